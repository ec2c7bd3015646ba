/**
 * n8n's own functions give the same results with the stored facts as with n8n's descriptions. Set N8N_MODULES to the
 * `node_modules` of an installed n8n, and FLOWKEEP_CORPUS to a folder with workflows.
 */
import { seeded } from '../../harness/random.ts'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { connectionsOf } from '../../../src/check/facts/connections.ts'
import { loadFacts } from '../../../src/check/facts/load.ts'
import { elided, type NodeFacts } from '../../../src/check/facts/node-facts.ts'
import { ownValue } from '../../../src/n8n/catalogue/display-options.ts'
import {
  type DescribedType,
  describedTypes,
  installedN8nVersion,
  n8nModules,
  skipReason,
  toolGeneration,
  workflowPackage,
} from '../../harness/n8n-packages.ts'
import { mutated, valuesIn } from './mutations.ts'

const corpus = process.env['FLOWKEEP_CORPUS'] ?? ''
const mutations = Number(process.env['FLOWKEEP_MUTATIONS'] ?? 40)

interface Node {
  name: string
  type: string
  typeVersion: number
  parameters: Record<string, unknown>
  credentials?: unknown
}

/** The facts in the form of n8n's descriptions. */
function asDescription(facts: NodeFacts): DescribedType {
  const { name, properties, credentials } = facts
  const clone = JSON.parse(JSON.stringify({ properties, credentials }), (key, value: unknown) =>
    key === 'validation' && Array.isArray(value)
      ? value.map(({ regex }: { regex: string }) => ({
          type: 'regex',
          properties: { regex, errorMessage: 'regex' },
        }))
      : value,
  )
  return { ...clone, name, version: [...facts.version], inputs: [], outputs: [] }
}

/** n8n's description with long default texts as in the facts. */
const shortened = (description: DescribedType): DescribedType =>
  JSON.parse(JSON.stringify(description), (key, value: unknown) => {
    if (key === 'errorMessage') return 'regex'
    return key === 'default' || typeof value !== 'object' ? shortText(key, value) : value
  })

function shortText(key: string, value: unknown): unknown {
  return key !== 'description' && typeof value === 'string' && value.length > 120 ? elided : value
}

function nodesOf(): Node[] {
  return readdirSync(corpus)
    .filter((file) => /^[ab]-.*\.json$/.test(file))
    .flatMap((file) => {
      const found = valuesIn(JSON.parse(readFileSync(join(corpus, file), 'utf8')), isNode)
      return found as unknown as Node[]
    })
}

const isNode = (value: Record<string, unknown>): boolean =>
  typeof value['type'] === 'string' &&
  typeof value['name'] === 'string' &&
  typeof value['parameters'] === 'object'

const outcome = (run: () => unknown): unknown => {
  try {
    return run() ?? null
  } catch (error) {
    return `threw ${error instanceof Error ? error.message : String(error)}`
  }
}

describe.skipIf(n8nModules === '')(
  `facts against n8n (${n8nModules ? installedN8nVersion() : skipReason})`,
  () => {
    const types = n8nModules ? describedTypes() : new Map<string, DescribedType[]>()
    const names = [...types.keys()]

    test('every type and version of n8n has facts', async () => {
      const facts = await loadFacts(names, installedN8nVersion())
      const missing = [...types].flatMap(([type, descriptions]) =>
        descriptions
          .flatMap((each) => [each.version].flat())
          .filter((version) => !facts.nodeType(type)?.describe(version))
          .map((version) => `${type} ${version}`),
      )
      expect(missing).toEqual([])
      expect(names.length).toBeGreaterThan(500)
    })

    test('tool forms have the parameters that n8n gives them', async () => {
      const { convertNodeToAiTool, convertNodeToHitlTool } = toolGeneration()
      const facts = await loadFacts(
        names.flatMap((name) => [`${name}Tool`, `${name}HitlTool`]),
        installedN8nVersion(),
      )
      let compared = 0
      for (const [type, descriptions] of types) {
        // n8n removes the ending twice.
        if (type.endsWith('Tool')) continue
        for (const description of descriptions) {
          const version = [description.version].flat()[0] ?? 1
          for (const [form, convert] of [
            ['Tool', convertNodeToAiTool],
            ['HitlTool', convertNodeToHitlTool],
          ] as const) {
            const derived = types.has(type + form)
              ? undefined
              : facts.nodeType(type + form)?.describe(version)
            if (!derived) continue
            const expected = convert({ description: structuredClone(description) }).description
            compared++
            expect(
              [...derived.properties].map(({ name }) => name),
              type + form,
            ).toEqual([...expected.properties].map((each) => each['name']))
            expect(derived.displayName).toBe(String(expected['displayName']).trim())
          }
        }
      }
      expect(compared).toBeGreaterThan(400)
    })

    test.skipIf(corpus === '')(
      'issues, parameters and credentials are the same for the corpus and its mutations',
      async () => {
        const { NodeHelpers, validateNodeCredentials } = workflowPackage()
        const { convertNodeToAiTool, convertNodeToHitlTool } = toolGeneration()
        const nodes = nodesOf()
        const facts = await loadFacts(new Set(nodes.map(({ type }) => type)), installedN8nVersion())
        const random = seeded(7)
        const pairs = new Map<string, [DescribedType, DescribedType] | undefined>()
        const pairOf = (type: string, version: number) => {
          const key = `${type} ${version}`
          if (pairs.has(key)) return pairs.get(key)
          const fact = facts.nodeType(type)?.describe(version)
          const base = type.replace(/HitlTool$|Tool$/, '')
          const form = types.has(type)
            ? undefined
            : type.endsWith('HitlTool')
              ? convertNodeToHitlTool
              : convertNodeToAiTool
          const descriptions = types.get(form ? base : type) ?? []
          const found = descriptions.find(
            (each) => descriptions.length === 1 || [each.version].flat().includes(version),
          )
          const full = found && form ? form({ description: structuredClone(found) }).description : found
          const pair: [DescribedType, DescribedType] | undefined =
            fact && full ? [shortened({ ...full, name: type }), asDescription(fact)] : undefined
          pairs.set(key, pair)
          return pair
        }
        const differences: unknown[] = []
        let runs = 0
        let invalid = 0
        for (const node of nodes) {
          const versions = facts.nodeType(node.type)?.versions ?? []
          for (let round = 0; round <= mutations; round++) {
            const changed = round === 0 ? node : mutated(node, versions, random)
            const pair = pairOf(changed.type, changed.typeVersion)
            if (!pair) continue
            const [full, pruned] = pair.map((description) => {
              const copy = structuredClone(changed)
              const resolve = (defaults: boolean) =>
                outcome(() =>
                  NodeHelpers.getNodeParameters(
                    description.properties,
                    copy.parameters,
                    defaults,
                    false,
                    copy,
                    description,
                  ),
                )
              return {
                issues: outcome(() =>
                  NodeHelpers.getNodeParametersIssues(description.properties, copy, description),
                ),
                parameters: resolve(true),
                set: resolve(false),
                credentials: outcome(() => validateNodeCredentials(copy, { description })),
              }
            })
            runs++
            if (full?.issues) invalid++
            if (JSON.stringify(withoutTexts(full)) !== JSON.stringify(withoutTexts(pruned))) {
              differences.push({
                node: changed.name,
                type: changed.type,
                version: changed.typeVersion,
                full,
                pruned,
              })
            }
          }
        }
        console.log(
          `${runs} runs on ${nodes.length} nodes, ${invalid} with issues, ${differences.length} differences`,
        )
        expect(differences.slice(0, 3)).toEqual([])
        expect(runs).toBeGreaterThan(1000)
        expect(invalid).toBeGreaterThan(100)
      },
    )

    test.skipIf(corpus === '')('inputs and outputs are those that n8n computes', async () => {
      const { NodeHelpers } = workflowPackage()
      const nodes = nodesOf()
      const facts = await loadFacts(new Set(nodes.map(({ type }) => type)), installedN8nVersion())
      const random = seeded(11)
      const differences: unknown[] = []
      let compared = 0
      for (const node of nodes) {
        const descriptions = types.get(node.type) ?? []
        const known = facts.nodeType(node.type)
        for (let round = 0; round <= 10; round++) {
          const changed = round === 0 ? node : mutated(node, known?.versions ?? [], random, [undefined])
          const { typeVersion } = changed
          const fact = known?.describe(typeVersion)
          const full = descriptions.find(
            (each) => descriptions.length === 1 || [each.version].flat().includes(typeVersion),
          )
          if (!fact || !full) continue
          const resolved = outcome(() =>
            NodeHelpers.getNodeParameters(full.properties, changed.parameters, true, false, changed, full),
          )
          if (typeof resolved === 'string') continue
          for (const side of ['inputs', 'outputs'] as const) {
            const expected = evaluated(full[side], resolved, typeVersion)
            const actual = connectionsOf(fact[side], typeVersion, (name) => ownValue(resolved, name))
            // Other connection types are not facts.
            if (!actual || expected.some((type) => /^(\d|undefined)/.test(type))) continue
            compared++
            const types = actual.map(({ type, required = false }) => `${type}${required ? '!' : ''}`)
            if (JSON.stringify(types) !== JSON.stringify(expected)) {
              differences.push({ type: node.type, typeVersion, side, expected, types, resolved })
            }
          }
        }
      }
      expect(differences.slice(0, 3)).toEqual([])
      expect(compared).toBeGreaterThan(1000)
    })
  },
)

/** The types of connections, as n8n's own expression gives them. */
function evaluated(given: unknown, parameters: unknown, version: number): string[] {
  const names = (list: unknown[]): string[] =>
    list.map((each) => {
      const { type, required } = (typeof each === 'object' ? each : { type: each }) as {
        type: string
        required?: boolean
      }
      return `${type}${required === true ? '!' : ''}`
    })
  if (typeof given !== 'string') return names(given as unknown[])
  const body = given.replace(/^=\s*\{\{/, '').replace(/\}\}\s*$/, '')
  try {
    // oxlint-disable-next-line typescript/no-implied-eval
    const run = new Function('$parameter', '$nodeVersion', `return (${body})`)
    const result: unknown = run(parameters, version)
    return Array.isArray(result) ? names(result) : []
  } catch {
    return []
  }
}

/** n8n quotes the field word of a resource mapper and the text of a tool's description. */
const withoutTexts = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (key, each: unknown) => {
      if (key === 'toolDescription' && typeof each === 'string') return elided
      return typeof each === 'string' ? each.replace(/^\w+(?: \w+)? (?=".+" is required)/, '') : each
    }) ?? 'null',
  )
