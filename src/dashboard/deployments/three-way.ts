/**
 * @module What differs in n8n, field by field: as it was deployed, as n8n has it now, as the current version wants it.
 * Which fields differ is the drift's finding; here they get their values. Pure.
 */
import type { Drift } from '../../deployments/drift-contract.ts'
import { nodeForm, settingsForm } from '../../deployments/remote-form.ts'
import type { JsonObject } from '../../n8n/workflow-json.ts'

export interface FieldDrift {
  path: string
  /** JSON or text; null: not set. */
  deployed: string | null
  n8n: string | null
  wanted: string | null
}

export interface NodeDrift {
  node: string
  type: string | null
  change: 'added' | 'removed' | 'changed'
  fields: FieldDrift[]
}

export interface ThreeWay {
  nodes: NodeDrift[]
  connections: { text: string; change: 'added' | 'removed' }[]
  settings: FieldDrift[]
  /** The names, where n8n has another one. */
  name: FieldDrift | null
}

export interface Contents {
  /** The version that was deployed. */
  deployed: JsonObject
  /** What n8n answers. */
  n8n: JsonObject
  /** The workflow's current version. */
  wanted: JsonObject
  /** Setting → what deploying forces it to. */
  forced: JsonObject
  /** Credential type → what it is bound to, in words. */
  bindings: Record<string, string>
}

export function threeWay(diff: NonNullable<Drift['diff']>, contents: Contents): ThreeWay {
  const [deployed, n8n, wanted] = [contents.deployed, contents.n8n, contents.wanted].map(nodesByName)
  const changed = diff.changed.map(({ node, paths }): NodeDrift => {
    const now = n8n?.get(node)
    // One that was renamed goes by its new name: its id tells what it was.
    const before = deployed?.get(node) ?? withId(deployed, now?.id)
    const aim = wanted?.get(node) ?? withId(wanted, now?.id)
    return {
      node,
      type: typeof now?.type === 'string' ? now.type : null,
      change: 'changed',
      fields: paths.map((path) => fieldOf(path, { before, now, aim }, contents.bindings)),
    }
  })
  const whole = (change: 'added' | 'removed', names: string[]) =>
    names.map((node): NodeDrift => {
      const [before, now, aim] = [deployed?.get(node), n8n?.get(node), wanted?.get(node)]
      const one = change === 'added' ? now : before
      return {
        node,
        type: typeof one?.type === 'string' ? one.type : null,
        change,
        fields: pathsOf(one).map((path) => fieldOf(path, { before, now, aim }, contents.bindings)),
      }
    })
  const settings = {
    deployed: { ...settingsForm(contents.deployed.settings), ...contents.forced },
    n8n: settingsForm(contents.n8n.settings),
    wanted: { ...settingsForm(contents.wanted.settings), ...contents.forced },
  }
  const nameOf = ({ name }: JsonObject) => (typeof name === 'string' ? name : null)
  return {
    nodes: [...whole('removed', diff.removed), ...changed, ...whole('added', diff.added)],
    connections: (['removed', 'added'] as const).flatMap((change) =>
      diff.connections[change].map((connection) => ({ text: connectionText(connection), change })),
    ),
    settings: diff.settings.map((key) => ({
      path: key,
      deployed: textOf(settings.deployed[key]),
      n8n: textOf(settings.n8n[key]),
      wanted: textOf(settings.wanted[key]),
    })),
    name:
      diff.name === null
        ? null
        : {
            path: 'name',
            deployed: nameOf(contents.deployed),
            n8n: diff.name,
            wanted: nameOf(contents.wanted),
          },
  }
}

/** What there is to say of a node that is there on one side only. */
function pathsOf(node: JsonObject | undefined): string[] {
  if (!node) return []
  return Object.entries(nodeForm(node))
    .filter(([key]) => key !== 'name')
    .flatMap(([key, value]) =>
      (key === 'parameters' || key === 'credentials') && isObject(value)
        ? Object.keys(value).map((each) => `${key}.${each}`)
        : [key],
    )
}

const connectionText = ({
  from,
  to,
  type,
  output,
}: {
  from: string
  to: string
  type: string
  output: number
}) => `${from}${output > 0 ? ` (output ${output + 1})` : ''} → ${to}${type === 'main' ? '' : ` · ${type}`}`

function fieldOf(
  path: string,
  { before, now, aim }: Record<'before' | 'now' | 'aim', JsonObject | undefined>,
  bindings: Record<string, string>,
): FieldDrift {
  const type = /^credentials(?:\.(.+))?$/.exec(path)
  if (type) {
    // Ids of credentials are this n8n's own: ours says to which one a type is bound.
    const bound = type[1] === undefined ? Object.values(bindings).join(', ') : bindings[type[1]]
    return { path, deployed: bound || null, n8n: credentialText(now, type[1]), wanted: bound || null }
  }
  const valueIn = (node: JsonObject | undefined) => textOf(node && valueAt(nodeForm(node), path))
  return { path, deployed: valueIn(before), n8n: valueIn(now), wanted: valueIn(aim) }
}

function credentialText(node: JsonObject | undefined, type: string | undefined): string | null {
  const held = isObject(node?.credentials) ? node.credentials : {}
  const names = Object.entries(held)
    .filter(([each]) => type === undefined || each === type)
    .map(([, entry]) => (isObject(entry) ? textOf(entry.name ?? entry.id) : null))
  return names.filter((name) => name !== null).join(', ') || null
}

/** A path's parts are joined by dots, which keys may hold themselves: the longest key that fits is taken first. */
export function valueAt(value: unknown, path: string): unknown {
  if (path === '') return value
  if (Array.isArray(value)) {
    const [, index = '', rest = ''] = /^(\d+)(?:\.(.*))?$/s.exec(path) ?? []
    return index === '' ? undefined : valueAt(value[Number(index)], rest)
  }
  if (!isObject(value)) return undefined
  const key = Object.keys(value)
    .filter((each) => path === each || path.startsWith(`${each}.`))
    .toSorted((a, b) => b.length - a.length)[0]
  return key === undefined ? undefined : valueAt(value[key], path.slice(key.length + 1))
}

const maximumChars = 2_000

export function textOf(value: unknown): string | null {
  if (value === undefined || value === null) return null
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 1)
  return text.length > maximumChars ? `${text.slice(0, maximumChars)}…` : text
}

function nodesByName({ nodes }: JsonObject): Map<unknown, JsonObject> {
  const list: unknown[] = Array.isArray(nodes) ? nodes : []
  return new Map(list.filter(isObject).map((node) => [node.name, node]))
}

const withId = (nodes: Map<unknown, JsonObject> | undefined, id: unknown) =>
  id === undefined ? undefined : [...(nodes?.values() ?? [])].find((node) => node.id === id)

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
