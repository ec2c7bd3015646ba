/** @module What one version changed of another, as it is shown: by node, with values, without moves. Pure. */
import type { JsonObject } from '../../n8n/workflow-json.ts'
import { diffWorkflows, type JsonDiff } from '../../workflows/diff.ts'
import { isNote, nodeLabel } from './graph-model.ts'
import { isObject, plainValue, shownLines, valueAt } from './shown-value.ts'

export interface ChangedLine {
  sign: '-' | '+'
  /** Of the parameter: authentication, options.timeout. Empty for further lines of a value. */
  label: string
  value: string
}

export interface ChangeBlock {
  node: string
  type: string | null
  kind: 'added' | 'removed' | 'changed'
  lines: ChangedLine[]
}

export interface VersionChanges {
  diff: JsonDiff
  blocks: ChangeBlock[]
  /** Nodes that were only moved. */
  moved: number
}

export interface ChangeCounts {
  added: number
  removed: number
  changed: number
}

const maxLinesPerNode = 40
const maxOwnLines = 10

/** Where a node stands in the editor, and ids, decide nothing. */
const isLayout = (path: string, note: boolean): boolean =>
  path === 'id' ||
  /^position(\.|$)/.test(path) ||
  (note && /^parameters\.(width|height|color)$/.test(path)) ||
  path === 'notesInFlow'

const nodesOf = ({ nodes }: JsonObject): JsonObject[] =>
  Array.isArray(nodes) ? nodes.filter((node) => isObject(node)) : []

/** `diffWorkflows` without what only moves nodes about. */
export function meaningfulDiff(older: JsonObject, newer: JsonObject): { diff: JsonDiff; moved: number } {
  const diff = diffWorkflows(older, newer)
  const notes = new Set(nodesOf(newer).flatMap((node) => (isNote(node) ? [nodeLabel(node)] : [])))
  const changed = diff.changed.flatMap(({ node, paths }) => {
    const own = paths.filter((path) => !isLayout(path, notes.has(node)))
    return own.length > 0 ? [{ node, paths: own }] : []
  })
  return { diff: { ...diff, changed }, moved: diff.changed.length - changed.length }
}

export function countChanges(older: JsonObject, newer: JsonObject): ChangeCounts {
  const { diff } = meaningfulDiff(older, newer)
  return { added: diff.added.length, removed: diff.removed.length, changed: diff.changed.length }
}

export function describeChanges(older: JsonObject, newer: JsonObject): VersionChanges {
  const { diff, moved } = meaningfulDiff(older, newer)
  const [before, after] = [nodesOf(older), nodesOf(newer)]
  const find = (nodes: JsonObject[], name: string) => nodes.find((node) => nodeLabel(node) === name)
  const changed = diff.changed.map(({ node: name, paths }): ChangeBlock => {
    const node = find(after, name) ?? {}
    const earlier =
      before.find(({ id }) => typeof id === 'string' && id !== '' && id === node.id) ?? find(before, name)
    return {
      ...{ node: name, type: typeOf(node), kind: 'changed' },
      lines: paths.flatMap((path) => changedLines(earlier ?? {}, node, path)).slice(0, maxLinesPerNode),
    }
  })
  const whole = (nodes: JsonObject[], name: string, kind: 'added' | 'removed'): ChangeBlock => {
    const node = find(nodes, name) ?? {}
    return { node: name, type: typeOf(node), kind, lines: ownLines(node, kind === 'added' ? '+' : '-') }
  }
  return {
    diff,
    moved,
    blocks: [
      ...changed,
      ...diff.added.map((name) => whole(after, name, 'added')),
      ...diff.removed.map((name) => whole(before, name, 'removed')),
    ],
  }
}

const typeOf = ({ type }: JsonObject): string | null =>
  typeof type === 'string' && type !== '' ? type : null

const labelOf = (path: string) => path.replace(/^parameters\./, '').slice(0, 120)

function changedLines(older: JsonObject, newer: JsonObject, path: string): ChangedLine[] {
  const [before, after] = [valueAt(older, path), valueAt(newer, path)]
  const [was, is] = [before && plainValue(before), after && plainValue(after)]
  return [
    ...(was === undefined ? [] : linesOf('-', path, was, is ?? null)),
    ...(is === undefined ? [] : linesOf('+', path, is, was ?? null)),
  ]
}

const linesOf = (sign: '-' | '+', path: string, text: string, other: string | null): ChangedLine[] =>
  (text === other ? [text] : shownLines(text, other)).map((value, index) => ({
    sign,
    label: index === 0 ? labelOf(path) : '',
    value,
  }))

const isEmpty = (value: unknown): boolean =>
  value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)

/** Of a node that is new or gone: its type and what it is set to. */
function ownLines(node: JsonObject, sign: '-' | '+'): ChangedLine[] {
  const version = typeof node.typeVersion === 'number' ? ` v${node.typeVersion}` : ''
  const type = typeOf(node)?.split('.').at(-1) ?? '?'
  const parameters = isObject(node.parameters) ? node.parameters : {}
  const given = Object.keys(parameters).filter((key) => !isEmpty(parameters[key]))
  const lines = given.flatMap((key) =>
    shownLines(plainValue({ value: parameters[key], parent: parameters, key }), null)
      .slice(0, 3)
      .map((value, index) => ({ sign, label: index === 0 ? labelOf(key) : '', value })),
  )
  const more = lines.length - maxOwnLines
  return [
    { sign, label: 'type', value: `${type}${version}`.slice(0, 200) },
    ...(node.disabled === true ? [{ sign, label: 'disabled', value: 'true' } as const] : []),
    ...lines.slice(0, maxOwnLines),
    ...(more > 0 ? [{ sign, label: '', value: `… ${more} more lines` }] : []),
  ]
}
