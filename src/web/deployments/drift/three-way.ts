/**
 * @module Shows each drifted field with three values: deployed, current in n8n, and wanted by the current version.
 * `Drift` lists the fields. This module adds their values and redacts secrets. Pure.
 */
import type { Drift } from '../../../deployments/drift/contract.ts'
import { nodeForm, settingsForm } from '../../../deployments/remote/form.ts'
import { redact } from '../../../lib/secrets/redact.ts'
import { sameJson } from '../../../workflows/diff.ts'
import { type Placed, plainValue, valueAt } from '../../components/shown-value.ts'
import { isObject, type JsonObject } from '../../../lib/json-object.ts'

export interface FieldDrift {
  path: string
  /** JSON or text; null if not set. */
  deployed: string | null
  n8n: string | null
  wanted: string | null
  /** Which side the wanted value equals. The redacted texts cannot show this, because all secrets look alike. */
  wantedIs: 'n8n' | 'deployed' | 'other'
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
  /** The names, if n8n has a different one. */
  name: FieldDrift | null
}

export interface Contents {
  /** The version that was deployed. */
  deployed: JsonObject
  /** The workflow as n8n returns it. */
  n8n: JsonObject
  /** The workflow's current version. */
  wanted: JsonObject
  /** Setting → the value that deploying forces. */
  forced: JsonObject
  /** The name of the credential that each slot is bound to. */
  bindings: { node: string; type: string; name: string }[]
}

export function threeWay(diff: NonNullable<Drift['diff']>, contents: Contents): ThreeWay {
  const sides = [contents.deployed, contents.n8n, contents.wanted]
  const [deployed, n8n, wanted] = sides.map((side) => nodesBy(side, 'name'))
  const [deployedById, , wantedById] = sides.map((side) => nodesBy(side, 'id'))
  const changed = diff.changed.map(({ node, paths }): NodeDrift => {
    const now = n8n?.get(node)
    // A renamed node is listed under its new name. Its ID finds the original.
    const before = deployed?.get(node) ?? deployedById?.get(now?.id)
    const target = wanted?.get(node) ?? wantedById?.get(now?.id)
    return {
      node,
      type: typeof now?.type === 'string' ? now.type : null,
      change: 'changed',
      fields: paths.map((path) => fieldOf(path, { before, now, target }, contents.bindings)),
    }
  })
  const whole = (change: 'added' | 'removed', names: string[]) =>
    names.map((node): NodeDrift => {
      const [before, now, target] = [deployed?.get(node), n8n?.get(node), wanted?.get(node)]
      const one = change === 'added' ? now : before
      return {
        node,
        type: typeof one?.type === 'string' ? one.type : null,
        change,
        fields: pathsOf(one).map((path) => fieldOf(path, { before, now, target }, contents.bindings)),
      }
    })
  const settings = {
    deployed: { ...settingsForm(contents.deployed.settings), ...contents.forced },
    n8n: settingsForm(contents.n8n.settings),
    wanted: { ...settingsForm(contents.wanted.settings), ...contents.forced },
  }
  return {
    nodes: [...whole('removed', diff.removed), ...changed, ...whole('added', diff.added)],
    connections: (['removed', 'added'] as const).flatMap((change) =>
      diff.connections[change].map((connection) => ({ text: connectionText(connection), change })),
    ),
    settings: diff.settings.map((key) =>
      field(key, [placed(settings.deployed, key), placed(settings.n8n, key), placed(settings.wanted, key)]),
    ),
    name:
      diff.name === null
        ? null
        : field('name', [named(contents.deployed.name), named(diff.name), named(contents.wanted.name)]),
  }
}

/** The fields to show for a node that exists on one side only. */
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

interface Side {
  value: unknown
  text: string | null
}

/** Takes the deployed, n8n and wanted sides, in that order. */
function field(path: string, [deployed, n8n, wanted]: readonly [Side, Side, Side]): FieldDrift {
  const isWanted = ({ value }: Side) => sameJson(value ?? null, wanted.value ?? null)
  return {
    path,
    deployed: deployed.text,
    n8n: n8n.text,
    wanted: wanted.text,
    wantedIs: isWanted(n8n) ? 'n8n' : isWanted(deployed) ? 'deployed' : 'other',
  }
}

/** Names hold no secrets, so they are not redacted. */
const named = (value: unknown): Side => ({ value, text: textOf(value) })

const placed = (root: JsonObject | undefined, path: string): Side => {
  const found = root && valueAt(root, path)
  return { value: found?.value, text: shownText(found) }
}

function fieldOf(
  path: string,
  { before, now, target }: Record<'before' | 'now' | 'target', JsonObject | undefined>,
  bindings: Contents['bindings'],
): FieldDrift {
  const type = /^credentials(?:\.(.+))?$/.exec(path)
  if (type) {
    // Credential IDs are specific to this n8n instance, so show the name of the bound credential.
    const own = bindings.filter(
      (each) => each.node === (before ?? now)?.name && (type[1] === undefined || each.type === type[1]),
    )
    const bound = named(own.map(({ name }) => name).join(', ') || null)
    return field(path, [bound, named(credentialText(now, type[1])), bound])
  }
  if (path === 'name') return field(path, [named(before?.name), named(now?.name), named(target?.name)])
  const side = (node: JsonObject | undefined) => placed(node && nodeForm(node), path)
  return field(path, [side(before), side(now), side(target)])
}

function credentialText(node: JsonObject | undefined, type: string | undefined): string | null {
  const credentials = isObject(node?.credentials) ? node.credentials : {}
  const names = Object.entries(credentials)
    .filter(([each]) => type === undefined || each === type)
    .map(([, entry]) => (isObject(entry) ? textOf(entry.name ?? entry.id) : null))
  return names.filter((name) => name !== null).join(', ') || null
}

const maximumChars = 2_000

const cut = (text: string) =>
  text.length > maximumChars ? `${text.slice(0, maximumChars).toWellFormed()}…` : text

const textOf = (value: unknown): string | null => (typeof value === 'string' ? cut(value) : null)

/** Redacted; null if not set. */
const shownText = (found: Placed | undefined): string | null =>
  found === undefined || found.value === undefined || found.value === null
    ? null
    : cut(redact(plainValue(found)))

function nodesBy({ nodes }: JsonObject, key: 'id' | 'name'): Map<unknown, JsonObject> {
  const list: unknown[] = Array.isArray(nodes) ? nodes : []
  return new Map(
    list
      .filter(isObject)
      .filter((node) => node[key] !== undefined)
      .map((node) => [node[key], node]),
  )
}
