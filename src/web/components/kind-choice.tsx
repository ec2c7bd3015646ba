/** @module Whether the numbers of a page count production runs only, or all kinds of runs. */
import { type IncludableKind, includableKinds } from '../../runs/meaning.ts'
import { Segmented, withQuery } from './controls.tsx'
import { kindWords } from './node-labels.ts'

/** As it stands in a URL; nothing for production runs only. */
export const includeQuery = (include: readonly IncludableKind[]): { include?: string } =>
  include.length === 0 ? {} : { include: include.join(',') }

interface KindChoiceProps {
  path: string
  /** The other parameters of the page. */
  query: Record<string, string>
  include: readonly IncludableKind[]
}

/** Production, all kinds, and a choice of kinds that only the URL holds. */
export function KindChoice({ path, query, include }: KindChoiceProps) {
  const choice = (label: string, kinds: readonly IncludableKind[]) => ({
    label,
    href: withQuery(path, { ...query, ...includeQuery(kinds) }),
    current: kinds.join() === include.join(),
  })
  const isOwn = include.length > 0 && include.length < includableKinds.length
  return (
    <Segmented
      label="Runs that count"
      choices={[
        choice('Production', []),
        ...(isOwn ? [choice(`With ${include.map((kind) => kindWords[kind]).join(', ')}`, include)] : []),
        choice('All runs', includableKinds),
      ]}
    />
  )
}
