/** @module What a version changed: by node, with what was and what is. */
import { Icon, NodeBadge } from '../components/icons.tsx'
import type { ConnectionDiff } from '../../workflows/diff.ts'
import { plural } from '../format.ts'
import type { ChangeBlock, ChangedLine, VersionChanges } from './version-changes.ts'

export interface ChangesViewProps {
  changes: VersionChanges
  /** Beside the nodes: name, prompt, settings. */
  fields?: readonly FieldChange[]
  /** Cut, with a word about the rest; for the overview. */
  maxBlocks?: number
}

export interface FieldChange {
  field: string
  lines: readonly ChangedLine[]
}

const maxConnections = 40

export function ChangesView({
  changes,
  fields = [],
  maxBlocks = Number.POSITIVE_INFINITY,
}: ChangesViewProps) {
  const { blocks, diff, moved } = changes
  const { added, removed } = diff.connections
  const shown = blocks.slice(0, maxBlocks)
  const isEmpty = blocks.length + added.length + removed.length + fields.length === 0
  return (
    <div class="changes">
      {isEmpty && (
        <p class="changes-note muted">
          Nothing that decides how it runs.{moved > 0 && ` ${movedText(moved)}`}
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
      {blocks.length > shown.length && (
        <p class="changes-note muted">and {plural(blocks.length - shown.length, 'more node')}</p>
      )}
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

const movedText = (moved: number) => `${plural(moved, 'node')} only moved or renumbered; not shown.`

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
