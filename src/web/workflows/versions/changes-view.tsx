/** @module Shows the changes between two versions: by node, with old and new values. */
import { Icon, NodeBadge } from '../../components/icons.tsx'
import type { ConnectionDiff } from '../../../workflows/diff.ts'
import { count, plural } from '../../format.ts'
import type { ChangeBlock, ChangedLine, VersionChanges } from './changes.ts'

export interface ChangesViewProps {
  changes: VersionChanges
  /** Changes outside the nodes: name, prompt, settings. */
  fields?: readonly FieldChange[]
  /** The maximum number of nodes to show. */
  maxBlocks: number
  /** The number of nodes on previous pages. Only the first page shows changes outside the nodes. */
  after?: number
  /** The URL of the page after so many nodes; null for the first page. Without it, there are no links to other pages. */
  hrefAfter?: ((nodes: number | null) => string) | undefined
}

export interface FieldChange {
  field: string
  lines: readonly ChangedLine[]
}

const maxConnections = 40

export function ChangesView(props: ChangesViewProps) {
  const { changes, fields = [], maxBlocks, after = 0, hrefAfter } = props
  const { blocks, diff, moved } = changes
  const { added, removed } = diff.connections
  const shown = blocks.slice(after, after + maxBlocks)
  const shownTo = after + shown.length
  const more = blocks.length - shownTo
  const isEmpty = blocks.length + added.length + removed.length + fields.length === 0
  if (after > 0) {
    return (
      <div class="changes">
        <p class="changes-note muted">
          Nodes {count(after + 1)} to {count(shownTo)} of {count(blocks.length)}.{' '}
          {hrefAfter && (
            <a class="link" href={hrefAfter(null)}>
              First page
            </a>
          )}
        </p>
        {shown.map((block) => (
          <Block block={block} />
        ))}
        <More more={more} shownTo={shownTo} hrefAfter={hrefAfter} />
      </div>
    )
  }
  return (
    <div class="changes">
      {isEmpty && (
        <p class="changes-note muted">
          No changes that affect how it runs.{moved > 0 && ` ${movedText(moved)}`}
        </p>
      )}
      {fields.map(({ field, lines }) => (
        <section class="change">
          <h3>
            <Icon name={field === 'prompt' ? 'spark' : 'pencil'} small />
            {field.charAt(0).toUpperCase() + field.slice(1)}
          </h3>
          <ChangedLines lines={lines} />
        </section>
      ))}
      {shown.map((block) => (
        <Block block={block} />
      ))}
      <More more={more} shownTo={shownTo} hrefAfter={hrefAfter} />
      {added.length + removed.length > 0 && (
        <section class="change">
          <h3>
            <Icon name="link" small />
            Connections
          </h3>
          <ChangedLines lines={connectionLines(removed, added)} />
        </section>
      )}
      {!isEmpty && moved > 0 && <p class="changes-note muted">{movedText(moved)}</p>}
    </div>
  )
}

function More({
  more,
  shownTo,
  hrefAfter,
}: { more: number; shownTo: number } & Pick<ChangesViewProps, 'hrefAfter'>) {
  if (more <= 0) return null
  const text = `and ${plural(more, 'more node')}`
  return (
    <p class="changes-note muted">
      {hrefAfter ? (
        <a class="link" href={hrefAfter(shownTo)} rel="next">
          {text}
        </a>
      ) : (
        text
      )}
    </p>
  )
}

const movedText = (moved: number) => `Not shown: ${plural(moved, 'node')} that only moved or changed ID.`

const kindTags = { added: 'tag ok', removed: 'tag fail', changed: 'tag' } as const

const Block = ({ block: { node, type, kind, lines } }: { block: ChangeBlock }) => (
  <section class="change">
    <h3>
      <NodeBadge type={type} />
      <span class="change-name">{node}</span>
      <span class={kindTags[kind]}>{kind}</span>
    </h3>
    <ChangedLines lines={lines} />
  </section>
)

const ChangedLines = ({ lines }: { lines: readonly ChangedLine[] }) => (
  <ul class="change-lines">
    {lines.map(({ sign, label, value }) => (
      <li class={sign === '+' ? 'plus' : 'minus'}>
        <span aria-hidden="true">{sign === '+' ? '+' : '−'}</span>
        <span class="visually-hidden">{sign === '+' ? 'added' : 'removed'}</span>
        <span class="change-label">{label}</span>
        <span class="change-value">{value}</span>
      </li>
    ))}
  </ul>
)

function connectionLines(removed: ConnectionDiff[], added: ConnectionDiff[]): ChangedLine[] {
  const lines = [
    ...removed.map((connection) => lineOf('-', connection)),
    ...added.map((connection) => lineOf('+', connection)),
  ]
  const more = lines.length - maxConnections
  return more > 0
    ? [...lines.slice(0, maxConnections), { sign: '+', label: '', value: `… ${more} more` }]
    : lines
}

const lineOf = (sign: '-' | '+', { from, output, to, type }: ConnectionDiff): ChangedLine => ({
  sign,
  label: type === 'main' && output > 0 ? `main, output ${output}` : type,
  value: `${from} → ${to}`,
})
