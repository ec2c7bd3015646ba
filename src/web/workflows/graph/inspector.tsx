/** @module The selected node of a graph: its state, connections and parameters, without secrets. */
import type { Child } from 'hono/jsx'
import { nodeLabel } from '../../../workflows/diff.ts'
import { isContainer, isObject, type JsonObject } from '../../../lib/json-object.ts'
import { redact } from '../../../lib/secrets/redact.ts'
import { KeyValues } from '../../components/card.tsx'
import { Icon, NodeBadge } from '../../components/icons.tsx'
import { plainValue, shownLines } from '../../components/shown-value.ts'
import { plural } from '../../format.ts'
import { NodeState } from './list.tsx'
import type { NodeMark } from './marks.ts'
import { type GraphNode, isNote, type WorkflowGraph } from './model.ts'

interface InspectorProps {
  graph: WorkflowGraph
  node: GraphNode
  /** n8n JSON with the node. */
  workflow: JsonObject
  marks: readonly NodeMark[]
  hrefOf: (node: GraphNode) => string
  closeHref: string
  /** Links, such as one to the node's failed runs. */
  more?: Child
}

const maxConnections = 12

export function NodeInspector({ graph, node, workflow, marks, hrefOf, closeHref, more }: InspectorProps) {
  const json = jsonOf(workflow, node)
  const linked = (ends: readonly { index: number; type: string }[]) =>
    ends.length > 0 && (
      <ul class="inspector-ends">
        {ends.slice(0, maxConnections).map(({ index, type }) => {
          const end = graph.nodes[index]
          return (
            end && (
              <li>
                <a class="link" href={hrefOf(end)}>
                  {end.name}
                </a>
                {type !== 'main' && <span class="muted"> {type}</span>}
              </li>
            )
          )
        })}
        {ends.length > maxConnections && (
          <li class="muted">and {plural(ends.length - maxConnections, 'other')}</li>
        )}
      </ul>
    )
  const before = linked(
    graph.edges.flatMap(({ from, to, type }) => (to === node.index ? [{ index: from, type }] : [])),
  )
  const after = linked(
    graph.edges.flatMap(({ from, to, type }) => (from === node.index ? [{ index: to, type }] : [])),
  )
  const { rows, omitted } = parametersOf(json)
  return (
    <section class="graph-inspector" aria-labelledby="graph-node">
      <header>
        <h3 id="graph-node">
          <NodeBadge type={node.type} />
          <span class="change-name">{node.name}</span>
        </h3>
        <a class="icon-button" href={closeHref} aria-label="Close" title="Close">
          <Icon name="cross" />
        </a>
      </header>
      <KeyValues
        items={[
          ['Type', <code>{typeText(node, json)}</code>],
          marks.length > 0 || node.disabled ? ['State', <NodeState node={node} marks={marks} />] : null,
          before ? ['From', before] : null,
          after ? ['To', after] : null,
          ...settingsOf(json),
        ]}
      />
      {more && <p class="graph-inspector-more">{more}</p>}
      <h4>Parameters</h4>
      {rows.length === 0 ? (
        <p class="muted">No parameters set.</p>
      ) : (
        <dl class="graph-parameters">
          {rows.map(({ label, lines }) => (
            <>
              <dt>{label}</dt>
              <dd>{lines.join('\n')}</dd>
            </>
          ))}
        </dl>
      )}
      {omitted > 0 && <p class="muted">{plural(omitted, 'more parameter')}</p>}
    </section>
  )
}

function jsonOf(workflow: JsonObject, { name }: GraphNode): JsonObject {
  const nodes: unknown[] = Array.isArray(workflow.nodes) ? workflow.nodes : []
  return (
    nodes.filter((each) => isObject(each)).find((each) => !isNote(each) && nodeLabel(each) === name) ?? {}
  )
}

function typeText({ type }: GraphNode, { typeVersion }: JsonObject): string {
  const text = type ?? '?'
  return typeof typeVersion === 'number' ? `${text} v${typeVersion}` : text
}

const onErrors: Record<string, string> = {
  continueRegularOutput: 'Continue',
  continueErrorOutput: 'Continue on the error output',
}

/** The settings of a node that change how it runs. */
function settingsOf(json: JsonObject): [string, Child][] {
  const onError = typeof json.onError === 'string' ? onErrors[json.onError] : undefined
  const continues = onError ?? (json.continueOnFail === true ? 'Continue' : undefined)
  const tries = typeof json.maxTries === 'number' ? json.maxTries : 3
  const notes = typeof json.notes === 'string' ? redact(json.notes.slice(0, 300)) : ''
  return [
    ...(continues ? [['On error', continues] as [string, Child]] : []),
    ...(json.retryOnFail === true ? [['Retry', `up to ${plural(tries, 'attempt')}`] as [string, Child]] : []),
    ...(json.executeOnce === true ? [['Run once', 'for all items'] as [string, Child]] : []),
    ...(notes ? [['Notes', notes] as [string, Child]] : []),
  ]
}

interface ParameterRow {
  label: string
  lines: string[]
}

const maxRows = 60
const maxDepth = 5
const maxLabelChars = 120

/** The values of the parameters, redacted and cut, with dotted names. `omitted` is the minimum number of others. */
function parametersOf(json: JsonObject): { rows: ParameterRow[]; omitted: number } {
  const rows: ParameterRow[] = []
  let omitted = 0
  const visit = (parent: JsonObject | unknown[], path: string, depth: number) => {
    for (const [key, value] of Object.entries(parent)) {
      if (rows.length >= maxRows) {
        omitted += 1
        continue
      }
      const name = path === '' ? key : `${path}.${key}`
      if (isContainer(value) && depth < maxDepth) {
        visit(value as JsonObject | unknown[], name, depth + 1)
      } else if (value !== '') {
        const text = plainValue({ value, parent, key })
        rows.push({ label: redact(name).slice(-maxLabelChars), lines: shownLines(text, null) })
      }
    }
  }
  if (isObject(json.parameters)) visit(json.parameters, '', 1)
  return { rows, omitted }
}
