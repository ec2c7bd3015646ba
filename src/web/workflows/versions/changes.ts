/** @module Describes the changes between two versions: by node, with values, without moves. Pure. */
import { diffNodes, diffWorkflows, type JsonDiff, type NodeDiff, nodeLabel } from '../../../workflows/diff.ts'
import { isNote } from '../graph/model.ts'
import { plural } from '../../format.ts'
import { plainValue, shownLines, valueAt } from '../../components/shown-value.ts'
import { isContainer, isObject, type JsonObject } from '../../../lib/json-object.ts'

export interface ChangedLine {
  sign: '-' | '+'
  /** The parameter, such as `options.timeout`. Empty for the other lines of a multi-line value. */
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
  /** The number of nodes with layout changes only. */
  moved: number
  removedNodes: JsonObject[]
}

export interface ChangeCounts {
  added: number
  removed: number
  changed: number
}

const maxLinesPerNode = 40
const maxOwnLines = 10

/** Positions and IDs do not affect a run. */
const isLayout = (path: string, note: boolean): boolean =>
  path === 'id' ||
  /^position(\.|$)/.test(path) ||
  (note && /^parameters\.(width|height|color)$/.test(path)) ||
  path === 'notesInFlow'

/** Excludes changes of the layout. */
function withoutLayout(nodes: NodeDiff): NodeDiff & { moved: number } {
  const changed = nodes.changed.flatMap(({ before, after, paths }) => {
    const note = isNote(after)
    const own = paths.filter((path) => !isLayout(path, note))
    return own.length > 0 ? [{ before, after, paths: own }] : []
  })
  return { ...nodes, changed, moved: nodes.changed.length - changed.length }
}

export function countChanges(older: JsonObject, newer: JsonObject): ChangeCounts {
  const { added, removed, changed } = withoutLayout(diffNodes(older, newer))
  return { added: added.length, removed: removed.length, changed: changed.length }
}

export function describeChanges(older: JsonObject, newer: JsonObject): VersionChanges {
  const all = diffNodes(older, newer)
  const nodes = withoutLayout(all)
  const diff = {
    ...diffWorkflows(older, newer, all),
    changed: nodes.changed.map(({ after, paths }) => ({ node: nodeLabel(after), paths })),
  }
  const blockOf = (node: JsonObject, kind: ChangeBlock['kind'], lines: ChangedLine[]): ChangeBlock => ({
    node: nodeLabel(node),
    type: typeOf(node),
    kind,
    lines,
  })
  return {
    diff,
    moved: nodes.moved,
    removedNodes: nodes.removed,
    blocks: [
      ...nodes.changed.map(({ before, after, paths }) =>
        blockOf(after, 'changed', changedLinesOf(before, after, paths)),
      ),
      ...nodes.added.map((node) => blockOf(node, 'added', ownLines(node, '+'))),
      ...nodes.removed.map((node) => blockOf(node, 'removed', ownLines(node, '-'))),
    ],
  }
}

function changedLinesOf(before: JsonObject, after: JsonObject, paths: readonly string[]): ChangedLine[] {
  const lines: ChangedLine[] = []
  for (const path of paths) {
    if (lines.length >= maxLinesPerNode) break
    lines.push(...changedLines(before, after, path))
  }
  return lines.slice(0, maxLinesPerNode)
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
  value === '' || (isContainer(value) && Object.keys(value).length === 0)

/** Lists the type and parameters of an added or removed node. */
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
    ...(more > 0 ? [{ sign, label: '', value: `… ${plural(more, 'more line')}` }] : []),
  ]
}
