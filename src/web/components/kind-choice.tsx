/** @module A switch between production runs and all kinds of runs for the figures of a page. */
import { type IncludableKind, includableKinds } from '../../runs/meaning.ts'
import { Segmented, withQuery } from './controls.tsx'
import { kindLabels } from './node-labels.ts'

/** URL parameter; omitted for production runs only. */
export const includeQuery = (include: readonly IncludableKind[]): { include?: string } =>
  include.length === 0 ? {} : { include: include.join(',') }

interface KindChoiceProps {
  path: string
  /** Other query parameters of the page. */
  query: Record<string, string>
  include: readonly IncludableKind[]
}

/** Options: production, all kinds, and the URL's custom combination of kinds. */
export function KindChoice({ path, query, include }: KindChoiceProps) {
  const choice = (label: string, kinds: readonly IncludableKind[]) => ({
    label,
    href: withQuery(path, { ...query, ...includeQuery(kinds) }),
    current: kinds.join() === include.join(),
  })
  const isOwn = include.length > 0 && include.length < includableKinds.length
  return (
    <Segmented
      label="Included runs"
      choices={[
        choice('Production', []),
        ...(isOwn ? [choice(`With ${include.map((kind) => kindLabels[kind]).join(', ')}`, include)] : []),
        choice('All runs', includableKinds),
      ]}
    />
  )
}
