/** Shapes, schemas and examples of every operation of every node. The corpus is read if FLOWKEEP_CORPUS names its folder. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { findOperation } from '../../../src/check/describe/describe.ts'
import { exampleOf } from '../../../src/check/describe/example.ts'
import { legalValues, type Operation } from '../../../src/check/describe/operation.ts'
import { schemaOf } from '../../../src/check/describe/schema.ts'
import { shapeOf } from '../../../src/check/describe/shape.ts'
import { loadFacts, loadNodeIndex } from '../../../src/check/facts/load.ts'
import { parameterIssues } from '../../../src/check/parameters/issues.ts'
import { resolveNode } from '../../../src/check/parameters/resolve.ts'
import { checkPublish } from '../../../src/check/publish.ts'
import { isObject, type JsonObject } from '../../../src/lib/json-object.ts'
import { valuesIn } from '../facts/mutations.ts'

const corpus = process.env['FLOWKEEP_CORPUS'] ?? ''
const { types } = await loadNodeIndex()
const facts = await loadFacts(types.keys())

/** Every resource and operation of the default version of every type. */
function* operations(): Generator<Operation> {
  for (const type of types.keys()) {
    const known = facts.nodeType(type)
    const described = known?.describe(known.defaultVersion)
    if (!known || !described) continue
    const whole: Operation = { facts: described, version: known.defaultVersion, fixed: new Map() }
    const fix = (operation: Operation, name: string): Operation[] =>
      legalValues(operation, name)?.map((value) => ({
        ...operation,
        fixed: new Map([...operation.fixed, [name, value]]),
      })) ?? [operation]
    yield* fix(whole, 'resource').flatMap((each) => fix(each, 'operation'))
  }
}
const all = [...operations()]
/** Enough for the slower tests. */
const some = all.filter((_, index) => index % 9 === 0)
const labelOf = ({ facts: { name }, fixed }: Operation) => [name, ...fixed.values()].join(' ')
const tokensOf = (value: unknown) => JSON.stringify(value).length / 4

const ajv = () => new Ajv2020({ strict: false, logger: false })

describe('shapes', () => {
  test('have few tokens', () => {
    const sizes = all.map((each) => tokensOf(shapeOf(each))).toSorted((a, b) => a - b)
    const quantile = (share: number) => sizes[Math.floor(share * (sizes.length - 1))] ?? Infinity
    console.log(
      `${sizes.length} shapes, tokens: p50 ${quantile(0.5)}, p90 ${quantile(0.9)}, p99 ${quantile(0.99)}, most ${quantile(1)}`,
    )
    expect(sizes.length).toBeGreaterThan(3000)
    expect(quantile(0.5)).toBeLessThanOrEqual(100)
    expect(quantile(0.99)).toBeLessThanOrEqual(300)
    expect(quantile(1)).toBeLessThanOrEqual(320)
  })

  test('name every displayed parameter, and which are required', async () => {
    const found = await findOperation({ type: 'n8n-nodes-base.telegram', operation: 'sendMessage' })
    expect('operation' in found && shapeOf(found.operation)).toMatchObject({
      type: 'n8n-nodes-base.telegram',
      resource: 'message',
      operation: 'sendMessage',
      credentials: ['telegramApi'],
      inputs: ['main'],
      outputs: ['main'],
      required: ['chatId', 'text'],
      parameters: {
        chatId: 'string',
        replyMarkup: 'forceReply|inlineKeyboard|none|replyKeyboard|replyKeyboardRemove = none',
      },
      when: { 'replyMarkup=inlineKeyboard': 'inlineKeyboard' },
    })
  })

  test('list the displayed parameters as n8n displays them', () => {
    for (const operation of some) {
      const resolved = resolveNode(
        { typeVersion: operation.version, parameters: Object.fromEntries(operation.fixed) },
        operation.facts,
      )
      const editors = new Set(['notice', 'callout', 'button', 'hidden', 'credentials', 'curlImport'])
      const names = Object.keys(resolved.values).filter((name) => {
        const property = resolved.displayed.get(`/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`)?.facts
        return property && !editors.has(property.type ?? '') && !operation.fixed.has(name)
      })
      expect(Object.keys(shapeOf(operation).parameters).toSorted(), labelOf(operation)).toEqual(
        names.toSorted(),
      )
    }
  })
})

describe('examples', () => {
  test('have no issue in n8n', () => {
    const faults = all.flatMap((operation) => {
      const example = exampleOf(operation)
      const resolved = resolveNode(example, operation.facts)
      const { names } = parameterIssues(resolved.facts, resolved.values, resolved.context)
      return names.length > 0 || resolved.unreadable.length > 0
        ? [`${labelOf(operation)}: ${names.join()}`]
        : []
    })
    expect(faults).toEqual([])
  })

  test('pass the publish check behind a trigger', () => {
    const faults = some.flatMap((operation) => {
      if (operation.facts.isTrigger) return []
      const trigger = {
        type: 'n8n-nodes-base.scheduleTrigger',
        typeVersion: 1.2,
        name: 'Every day',
        parameters: { rule: { interval: [{}] } },
      }
      const example = { ...exampleOf(operation), name: 'Example' }
      const connections = { 'Every day': { main: [[{ node: 'Example', type: 'main', index: 0 }]] } }
      const found = checkPublish({ nodes: [trigger, example], connections }, facts)
      return found
        .filter(
          ({ level, node, code }) => level === 'error' && node === 'Example' && code !== 'excluded-node-type',
        )
        .map(({ code, message }) => `${labelOf(operation)}: ${code} ${message}`)
    })
    expect(faults.slice(0, 10)).toEqual([])
  })

  test('are small', () => {
    expect(Math.max(...all.map((each) => tokensOf(exampleOf(each))))).toBeLessThan(300)
  })
})

describe('schemas', () => {
  test('are valid by the meta-schema, and accept the examples', () => {
    // Compiling takes most of the time, so only some are compiled.
    const validator = ajv()
    for (const [index, operation] of some.entries()) {
      for (const isStrict of [false, true]) {
        const schema = schemaOf(operation, isStrict)
        expect(validator.validateSchema(schema), labelOf(operation)).toBe(true)
        if (index % 6 !== 0) continue
        const { position: _, ...example } = exampleOf(operation)
        expect(ajv().compile(schema)(example), labelOf(operation)).toBe(true)
      }
    }
  })

  test('a strict schema refuses what n8n does not list', async () => {
    const found = await findOperation({
      type: 'n8n-nodes-base.telegram',
      resource: 'message',
      operation: 'sendMessage',
    })
    if (!('operation' in found)) throw new Error('not found')
    const validate = ajv().compile(schemaOf(found.operation, true))
    const { position: _, ...example } = exampleOf(found.operation)
    const parameters = example['parameters'] as JsonObject
    expect(validate(example)).toBe(true)
    for (const changed of [
      { ...example, typeVersion: 99 },
      { ...example, parameters: { ...parameters, invented: 1 } },
      { ...example, parameters: { ...parameters, replyMarkup: 'nothing' } },
      { ...example, parameters: { ...parameters, text: 3 } },
      { ...example, parameters: { ...parameters, operation: 'editMessageText' } },
      { ...example, parameters: { resource: 'message', operation: 'sendMessage' } },
    ]) {
      expect(validate(changed), JSON.stringify(changed)).toBe(false)
    }
  })

  test.skipIf(corpus === '')('accept every node of the corpus that n8n accepts', async () => {
    const nodes = readdirSync(corpus)
      .filter((file) => /^[ab]-.*\.json$/.test(file))
      .flatMap((file) =>
        valuesIn(
          JSON.parse(readFileSync(join(corpus, file), 'utf8')),
          ({ type, name, parameters }) =>
            typeof type === 'string' && typeof name === 'string' && isObject(parameters),
        ),
      )
    const known = await loadFacts(new Set(nodes.map(({ type }) => String(type))))
    const compiled = new Map<string, ValidateFunction>()
    const refused: string[] = []
    let accepted = 0
    for (const node of nodes) {
      const [type, version] = [String(node['type']), Number(node['typeVersion'] ?? 1)]
      const described = known.nodeType(type)?.describe(version)
      if (!described) continue
      const resolved = resolveNode(node, described)
      const { issues } = parameterIssues(described, resolved.values, resolved.context)
      if (issues.length > 0 || resolved.unreadable.length > 0) continue
      const fixed = new Map<string, string>()
      for (const name of ['resource', 'operation']) {
        const value = resolved.values[name]
        if (legalValues({ facts: described, version, fixed }, name)?.includes(String(value)))
          fixed.set(name, String(value))
      }
      const key = JSON.stringify([type, version, ...fixed])
      const validate =
        compiled.get(key) ?? ajv().compile(schemaOf({ facts: described, version, fixed }, false))
      compiled.set(key, validate)
      if (validate(node)) accepted++
      else
        refused.push(
          `${type} ${version}: ${validate.errors?.[0]?.instancePath} ${validate.errors?.[0]?.message}`,
        )
    }
    console.log(`${accepted} of ${accepted + refused.length} nodes of the corpus match their schema`)
    expect(refused).toEqual([])
    expect(accepted).toBeGreaterThan(1000)
  })
})

describe('findOperation', () => {
  test.each([
    [{ type: 'n8n-nodes-base.nothing' }, { missing: 'type' }],
    [{ type: 'n8n-nodes-base.slack', version: 77 }, { missing: 'version' }],
    [{ type: 'n8n-nodes-base.slack', resource: 'messages' }, { missing: 'resource' }],
    [{ type: 'n8n-nodes-base.slack', resource: 'message', operation: 'send' }, { missing: 'operation' }],
    [
      { type: 'n8n-nodes-base.if', resource: 'x' },
      { missing: 'resource', legal: [] },
    ],
    [
      { type: 'n8n-nodes-base.if', operation: 'x' },
      { missing: 'operation', legal: [] },
    ],
  ])('%j', async (wanted, expected) => {
    expect(await findOperation(wanted)).toMatchObject(expected)
  })

  test('finds the resource of an operation', async () => {
    const found = await findOperation({ type: 'n8n-nodes-base.slack', operation: 'invite' })
    expect('operation' in found && Object.fromEntries(found.operation.fixed)).toEqual({
      resource: 'channel',
      operation: 'invite',
    })
  })

  test('reads the facts of the given version of n8n', async () => {
    const type = '@n8n/n8n-nodes-langchain.agent'
    expect(await findOperation({ type, version: 3.1, n8nVersion: '2.0.3' })).toMatchObject({
      missing: 'version',
    })
    expect(await findOperation({ type, version: 3.1, n8nVersion: '2.41.1' })).toHaveProperty('operation')
  })

  test('describes tool forms', async () => {
    const found = await findOperation({ type: 'n8n-nodes-base.gmailTool', operation: 'send' })
    if (!('operation' in found)) throw new Error('not found')
    expect(shapeOf(found.operation)).toMatchObject({ inputs: [], outputs: ['ai_tool'] })
    expect(shapeOf(found.operation).parameters).toHaveProperty('descriptionType')
  })
})
