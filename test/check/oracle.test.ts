/** Compares resolved parameters, issues and credentials of nodes with n8n's own functions. */
import { seeded } from '../harness/random.ts'
import { describe, expect, test } from 'vitest'
import { loadFacts } from '../../src/check/facts/load.ts'
import { elided, type NodeFacts } from '../../src/check/facts/node-facts.ts'
import { missingCredentials } from '../../src/check/parameters/credentials.ts'
import { parameterIssues } from '../../src/check/parameters/issues.ts'
import { resolveNode } from '../../src/check/parameters/resolve.ts'
import { isContainer } from '../../src/lib/json-object.ts'
import { corpusWorkflows, isSampleNode } from './corpus-files.ts'
import { mutated, pick, type SampleNode } from './mutations.ts'
import { n8nModules, skipReason } from '../harness/n8n-packages.ts'
import { loadOracle, type Oracle } from './n8n-modules.ts'

const rounds = Number(process.env.FLOWKEEP_ORACLE_ROUNDS ?? 3000)
const seed = Number(process.env.FLOWKEEP_ORACLE_SEED ?? 1)

const corpusNodes = () =>
  corpusWorkflows().flatMap(([, { nodes }]) => (nodes as unknown[]).filter(isSampleNode))

/** Deep equality, except that the facts leave out long default texts. */
function isSame(theirs: unknown, ours: unknown): boolean {
  if (ours === elided) return typeof theirs === 'string'
  if (!isContainer(theirs) || !isContainer(ours)) return theirs === ours
  if (Array.isArray(theirs) !== Array.isArray(ours)) return false
  const keys = new Set([...Object.keys(theirs), ...Object.keys(ours)])
  return [...keys].every((key) => isSame(Reflect.get(theirs, key), Reflect.get(ours, key)))
}

const attempt = <Result>(run: () => Result): Result | 'threw' => {
  try {
    return run()
  } catch {
    return 'threw'
  }
}

/** name → number of messages, in n8n's order */
const counted = (issues: { name: string }[], names: string[]) =>
  names.map((name) => [name, issues.filter((issue) => issue.name === name).length])

/** The differences between the engine and n8n for one node. */
function differencesOf(oracle: Oracle, node: SampleNode, facts: NodeFacts): string[] {
  const { NodeHelpers: helpers } = oracle
  const description = oracle.describe(node.type, node.typeVersion)
  const { properties } = description ?? {}
  const found: string[] = []
  const resolved = resolveNode(node, facts)
  const expected = attempt(() =>
    helpers.getNodeParameters(properties, structuredClone(node.parameters), true, false, node, description),
  )
  if ((expected === 'threw') !== resolved.unreadable.length > 0) found.push('readable')
  if (expected !== 'threw' && !isSame(expected, resolved.values)) found.push('values')
  // As n8n publishes a node, and as given.
  for (const parameters of [expected === 'threw' ? undefined : resolved.values, node.parameters]) {
    if (!parameters) continue
    const copy = { ...node, parameters }
    const theirs = attempt(() => helpers.getNodeParametersIssues(properties, copy, description))
    const ours = parameterIssues(facts, parameters, resolved.context)
    const wanted =
      theirs === 'threw'
        ? 'threw'
        : Object.entries(theirs?.parameters ?? {}).map(([name, messages]) => [name, messages.length])
    const got = ours.issues[0]?.problem === 'unreadable' ? 'threw' : counted(ours.issues, ours.names)
    if (JSON.stringify(wanted) !== JSON.stringify(got)) found.push(`issues ${JSON.stringify([wanted, got])}`)
    if (parameters !== resolved.values) continue
    const credentials = attempt(() => oracle.validateNodeCredentials(copy, { description }))
    const missing = attempt(() => missingCredentials(node, resolved))
    const label = (each: { displayName: string; type: string }) => `${each.type} ${each.displayName}`
    const [a, b] = [credentials, missing].map((each) => (each === 'threw' ? each : each.map(label).join()))
    if (a !== b) found.push(`credentials ${a} ${b}`)
  }
  return found
}

describe.skipIf(!n8nModules)(
  n8nModules
    ? 'the engine agrees with the functions of n8n'
    : `the engine agrees with the functions of n8n (${skipReason})`,
  () => {
    test(`for the nodes of FLOWKEEP_CORPUS and ${rounds} random changes`, {
      timeout: 3_600_000,
    }, async () => {
      const oracle = loadOracle()
      const facts = await loadFacts(oracle.types)
      const nodes = corpusNodes().filter(({ type, typeVersion }) => oracle.describe(type, typeVersion))
      const random = seeded(seed)
      const differences: string[] = []
      let compared = 0
      const compare = (node: SampleNode): void => {
        const type = facts.nodeType(node.type)
        const version = Number(node.typeVersion) || type?.defaultVersion || 1
        const described = type?.describe(version)
        if (!oracle.describe(node.type, node.typeVersion)) return
        compared += 1
        if (!described) differences.push(`${node.type} ${version}: no facts`)
        else {
          const found = differencesOf(oracle, node, described)
          if (found.length > 0)
            differences.push(
              `${node.type} ${version}: ${found.join('; ')} ${JSON.stringify(node.parameters).slice(0, 300)}`,
            )
        }
      }
      for (const { disabled: _, ...node } of nodes) compare(node)
      for (let round = 0; round < rounds; round += 1) {
        let node: SampleNode
        if (nodes.length > 0 && random() < 0.6) {
          const { disabled: _, ...real } = pick(random, nodes)
          node = real
        } else {
          const type = pick(random, oracle.types)
          node = { type, name: 'X', typeVersion: pick(random, oracle.versionsOf(type)), parameters: {} }
        }
        for (let left = 1 + Math.floor(random() * 3); left > 0; left -= 1) {
          const type = facts.nodeType(node.type)
          const version = Number(node.typeVersion) || type?.defaultVersion || 1
          node = mutated(random, node, type?.describe(version), oracle.versionsOf(node.type))
        }
        compare(node)
      }
      console.log(`${compared} nodes compared, ${differences.length} differences`)
      expect(differences.slice(0, 20)).toEqual([])
    })
  },
)
