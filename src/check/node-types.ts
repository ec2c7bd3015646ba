/** @module Finds nodes whose type or version the n8n server does not have. */
import { distanceWithin } from '../lib/edit-distance.ts'
import { isObject, type JsonObject } from '../lib/json-object.ts'
import type { Finding } from '../n8n/checks/finding.ts'
import { typeVersion } from '../n8n/catalogue/required-credentials.ts'
import { shown } from '../n8n/structure/repairs.ts'
import type { FactsOf, NodeFacts } from './facts/node-facts.ts'
import { bestVersion } from './values/fit.ts'

/** Packages of n8n's built-in node types. */
const reservedPrefixes = ['n8n-nodes-base.', '@n8n/n8n-nodes-langchain.']
/** `n8n-nodes-langchain.agent`, `@n8n/n8n-nodes-base.set`, `nodes-base.slack`: misspelled names of those packages. */
const misspelledPackage = /^(?:@n8n\/)?(?:n8n-)?nodes-(?:base|langchain)\./i
/** Types that n8n has removed, with the replacement. */
const removedTypes = new Map([
  ['n8n-nodes-base.start', 'n8n 2 has no Start node. Use a Manual Trigger, a Schedule Trigger or a Webhook'],
])
/** Types that n8n 2 loads only if the server's NODES_EXCLUDE allows them. */
const excludedTypes = new Set(['n8n-nodes-base.executeCommand', 'n8n-nodes-base.localFileTrigger'])
/** Nodes in n8n's custom folder, outside any package. */
const customPrefix = 'CUSTOM.'
const maximumDistance = 2

/** Additional node types of an n8n server. */
export interface InstalledTypes {
  types: ReadonlySet<string>
  /** Includes every type from its community packages. */
  isComplete: boolean
}

export const noInstalledTypes: InstalledTypes = { types: new Set(), isComplete: false }

/** n8n names the node that a tool is made of, and only the first two parts of the type. */
const unrecognized = (type: string): string =>
  shown(
    `Unrecognized node type: ${type
      .replace(/HitlTool$/, '')
      .replace(/Tool$/, '')
      .split('.')
      .slice(0, 2)
      .join('.')}`,
  )

const isReserved = (type: string): boolean => reservedPrefixes.some((prefix) => type.startsWith(prefix))
/** `@scope/n8n-nodes-foo.bar` → `@scope/n8n-nodes-foo` */
const packageOf = (type: string): string => type.slice(0, Math.max(type.lastIndexOf('.'), 0)) || type

/** Whether a type that n8n does not have can come from a community package. */
export const isCommunityType = (type: string): boolean =>
  type.includes('.') && !isReserved(type) && !type.startsWith(customPrefix)

export type Report = (finding: Omit<Finding, 'node'>) => void

/** The facts that n8n reads the node with; undefined if it has none. Reports an unknown type or version. */
export function describeNode(
  node: JsonObject,
  pointer: string,
  facts: FactsOf,
  installed: InstalledTypes,
  report: Report,
): NodeFacts | undefined {
  const type = String(node.type)
  const known = facts.nodeType(type)
  if (!known) {
    reportUnknownType(type, `${pointer}/type`, facts, installed, report)
    return undefined
  }
  if (excludedTypes.has(type) && !installed.types.has(type) && facts.n8nVersion.startsWith('2.')) {
    report({
      code: 'excluded-node-type',
      level: 'error',
      pointer: `${pointer}/type`,
      message: `n8n 2 does not load ${type} by default. Use another node, or set NODES_EXCLUDE to [] on the n8n server`,
      n8n: unrecognized(type),
    })
  }
  const at = `${pointer}/typeVersion`
  const version = typeVersion(node)
  if (version === undefined) {
    const parameters = parametersOf(node)
    const isOnly = known.takesAnyVersion || known.versions.length === 1
    const meant = bestVersion(known, parameters, [known.defaultVersion]) ?? known.defaultVersion
    // n8n takes the description of the default version, and no condition on a version applies.
    const effect = isOnly ? '' : ', so n8n ignores what depends on the version'
    report({
      code: 'missing-type-version',
      level: isOnly ? 'hint' : 'warning',
      pointer: at,
      message: `The node has no typeVersion${effect}. Set it, for example to ${meant}`,
      fix: { label: `Set it to ${meant}`, operations: [{ op: 'add', path: at, value: meant }] },
    })
    return known.describe(known.defaultVersion)
  }
  const { versions } = known
  if (!known.takesAnyVersion && !versions.includes(version)) {
    const nearest = versions.toSorted((a, b) => Math.abs(a - version) - Math.abs(b - version) || b - a)
    const meant = bestVersion(known, parametersOf(node), nearest) ?? known.defaultVersion
    const listed = versions.join(', ')
    report({
      code: 'unknown-node-version',
      level: 'error',
      pointer: at,
      message: `${type} has no version ${version}. Use one of: ${listed}`,
      n8n: `Node type "${type.slice(type.indexOf('.') + 1)}" is not available in version ${version}. Available versions: ${asKeys(versions)}. Use the latest version ${versions.at(-1)}.`,
      fix: { label: `Set it to ${meant}`, operations: [{ op: 'replace', path: at, value: meant }] },
    })
    return undefined
  }
  return known.describe(version)
}

/** n8n lists the versions in the order of JavaScript's keys: whole numbers first. */
const asKeys = (versions: readonly number[]): string =>
  [...versions.filter(Number.isInteger), ...versions.filter((each) => !Number.isInteger(each))].join(', ')

const parametersOf = ({ parameters }: JsonObject): JsonObject => (isObject(parameters) ? parameters : {})

function reportUnknownType(
  type: string,
  pointer: string,
  facts: FactsOf,
  installed: InstalledTypes,
  report: Report,
): void {
  const error = (code: string, message: string, n8n = unrecognized(type), meant?: string) =>
    report({
      code,
      level: 'error',
      pointer,
      message,
      n8n,
      ...(meant !== undefined && {
        fix: { label: `Set it to ${meant}`, operations: [{ op: 'replace', path: pointer, value: meant }] },
      }),
    })
  if (installed.types.has(type) && !isReserved(type)) return
  const { names } = catalogueOf(facts)
  // Every type has a package.
  const isMisspelled =
    !type.includes('.') || (misspelledPackage.test(type) && closestTypes(type, facts).length > 0)
  if (!isReserved(type) && !isMisspelled) {
    error(...extensionFinding(type, installed))
    return
  }
  // n8n makes this form of any node.
  if (type.endsWith('HitlTool') && names.has(type.slice(0, -'HitlTool'.length))) return
  if (type.endsWith('Tool') && names.has(type.slice(0, -'Tool'.length))) {
    const message = `${shown(type)} does not exist, because agents cannot use the node as a tool. Use another node`
    error('unknown-node-type', message, 'Node cannot be used as a tool')
    return
  }
  const removed = removedTypes.get(type)
  const closest = removed === undefined ? closestTypes(type, facts) : []
  const [close] = closest
  const message = removed ?? `n8n has no node type ${shown(type)}${close ? `. Did you mean ${close}?` : ''}`
  error('unknown-node-type', message, undefined, closest.length === 1 ? close : undefined)
}

function extensionFinding(type: string, installed: InstalledTypes): [code: string, message: string] {
  const isCustom = type.startsWith(customPrefix)
  if (installed.isComplete && !isCustom) {
    const from = shown(packageOf(type))
    return [
      'community-node-missing',
      `${shown(type)} is not installed on this n8n server. Install the community package ${from} there, or use another node`,
    ]
  }
  const remedy = isCustom
    ? 'The n8n API does not list custom nodes'
    : 'n8n 2 lists community packages only for an API key with the communityPackage:list scope'
  return [
    'community-node-unverified',
    `Flowkeep cannot verify that this n8n server has the node type ${shown(type)}. Without it, n8n refuses to publish. ` +
      `${remedy}. If it is installed, deploy anyway: this finding does not block a deployment`,
  ]
}

interface Catalogue {
  names: ReadonlySet<string>
  words: readonly { name: string; short: string; letters: number }[]
  /** Display name → types. */
  titled: ReadonlyMap<string, readonly string[]>
  /** Misspelled type → the types that it may stand for. */
  closest: Map<string, readonly string[]>
}

const catalogues = new WeakMap<FactsOf, Catalogue>()

function catalogueOf(facts: FactsOf): Catalogue {
  let catalogue = catalogues.get(facts)
  if (!catalogue) {
    const names = new Set(facts.typeNames())
    const words = [...names].map((name) => ({
      name,
      short: shortOf(name),
      letters: lettersIn(shortOf(name)),
    }))
    const titled = new Map<string, string[]>()
    for (const [name, title] of facts.typeTitles()) {
      for (const each of titlesOf(title)) titled.set(each, [...(titled.get(each) ?? []), name])
    }
    catalogue = { names, words, titled, closest: new Map() }
    catalogues.set(facts, catalogue)
  }
  return catalogue
}

const shortOf = (type: string): string => type.slice(type.lastIndexOf('.') + 1).toLowerCase()

/** The closest type names by case, package or spelling: several if they are equally close. */
function closestTypes(type: string, facts: FactsOf): readonly string[] {
  const catalogue = catalogueOf(facts)
  let found = catalogue.closest.get(type)
  if (!found) catalogue.closest.set(type, (found = closestOf(type, catalogue)))
  return found
}

/** `Edit Fields (Set)` → `editfields`, `set` */
const titlesOf = (title: string): string[] =>
  title.split(/[()]/).flatMap((part) => part.toLowerCase().replaceAll(/[^a-z0-9]/g, '') || [])

/** By name, then by the display name, then by spelling. */
function closestOf(type: string, { words, titled }: Catalogue): readonly string[] {
  const wanted = shortOf(type)
  const letters = lettersIn(wanted)
  const limit = Math.min(maximumDistance, wanted.length / 3) + 0.5
  let best = { distance: limit, names: [] as string[] }
  for (const { name, short, letters: others } of words) {
    // Each edit adds a letter, removes one, or both.
    if (countOf(letters ^ others) > 2 * maximumDistance) continue
    const distance =
      distanceWithin(wanted, short, maximumDistance) + (packageOf(name) === packageOf(type) ? 0 : 0.5)
    if (distance > best.distance) continue
    best = distance < best.distance ? { distance, names: [name] } : { distance, names: [...best.names, name] }
  }
  const byTitle = best.distance < 1 ? undefined : titled.get(wanted)
  return byTitle ?? best.names
}

/** The letters of a word as bits; letters with the same code modulo 32 share one. */
function lettersIn(word: string): number {
  let bits = 0
  for (let index = 0; index < word.length; index += 1) bits |= 1 << (word.charCodeAt(index) & 31)
  return bits
}

function countOf(bits: number): number {
  let count = 0
  for (let left = bits; left !== 0; left &= left - 1) count += 1
  return count
}
