/** @module Search results: groups of links, each with the place that matched. */
import { highlights } from '../../search/words.ts'
import type { Hit, HitKind, SearchGroup } from '../../search/search.ts'
import { Icon, type IconName, NodeBadge } from '../components/icons.tsx'
import { count, plural } from '../format.ts'

interface KindLabel {
  label: string
  icon: IconName
  /** The lists that a search in this group continues in: name and path. */
  lists: readonly (readonly [name: string, path: string])[]
}

const kinds: Record<HitKind, KindLabel> = {
  page: { label: 'Pages', icon: 'right', lists: [] },
  workflow: { label: 'Workflows', icon: 'workflows', lists: [['Workflows', '/workflows']] },
  node: { label: 'Node types', icon: 'branch', lists: [] },
  prompt: { label: 'Prompts', icon: 'spark', lists: [['Workflows', '/workflows']] },
  credential: { label: 'Credentials', icon: 'credentials', lists: [['Credentials', '/credentials']] },
  deployment: { label: 'Deployments', icon: 'deployments', lists: [['Deployments', '/deployments']] },
  instance: { label: 'Instances', icon: 'instances', lists: [] },
  error: { label: 'Errors', icon: 'bolt', lists: [['Errors', '/errors?period=90d&state=all']] },
  execution: { label: 'Runs', icon: 'executions', lists: [['Runs', '/executions']] },
}

export const groupLabel = (kind: HitKind): string => kinds[kind].label

export const seeAllLinks = (kind: HitKind, query: string): { label: string; href: string }[] =>
  kinds[kind].lists.map(([name, path]) => ({
    label: `See all in ${name}`,
    href: `${path}${path.includes('?') ? '&' : '?'}${new URLSearchParams({ q: query })}`,
  }))

export function hitCount(groups: readonly SearchGroup[]): string {
  const hits = groups.flatMap((group) => group.hits).length
  return groups.some(({ isCut }) => isCut) ? `${count(hits)}+ results` : plural(hits, 'result')
}

/** The text with the words of the query marked. */
export const Marked = ({ text, query }: { text: string; query: string }) => (
  <>{highlights(text, query).map((part) => (part.isMatch ? <mark>{part.text}</mark> : part.text))}</>
)

/** Where the hit matched, or what it belongs to: a text, and a text with the words of the query. */
function placeOf({ kind, note, number, node, type, excerpt }: Hit): [plain: string, matched?: string | null] {
  if (kind === 'workflow' && node !== null) return ['Node: ', node]
  if (kind === 'workflow' && type !== null) return ['Uses ', type]
  if (kind === 'workflow' && excerpt !== null) return ['Description: ', excerpt]
  if (kind === 'workflow') return [`v${number}`]
  if (kind === 'node') return [`Used by ${plural(number ?? 0, 'workflow')}`]
  if (kind === 'prompt') return [`Prompt of v${number}: `, excerpt]
  if (kind === 'deployment') return [`v${number} on `, note]
  if (kind === 'error')
    return [[note ?? 'Unknown node', number !== null && `HTTP ${number}`].filter(Boolean).join(' · ')]
  return ['', note]
}

/** The icon, the name and the place that matched. */
export function HitLine({ hit, query }: { hit: Hit; query: string }) {
  const [plain, matched] = placeOf(hit)
  const place = plain + (matched ?? '')
  return (
    <>
      {hit.kind === 'node' ? <NodeBadge type={hit.id} /> : <Icon name={kinds[hit.kind].icon} />}
      <span class="hit-text">
        <span class="truncate" title={hit.name}>
          <Marked text={hit.name} query={query} />
        </span>
        {place && (
          <small class="truncate" title={place}>
            {plain}
            <Marked text={matched ?? ''} query={query} />
          </small>
        )}
      </span>
    </>
  )
}
