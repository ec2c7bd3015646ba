import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { connectionsOf } from '../../../src/check/facts/connections.ts'
import { FileCache, loadFacts, loadNodeIndex, nearestVersion } from '../../../src/check/facts/load.ts'
import type { NodeFile } from '../../../src/check/facts/node-file.ts'
import { baseOfTool, nodeFileName } from '../../../src/check/facts/node-types.ts'
import { ownValue } from '../../../src/n8n/catalogue/display-options.ts'
import { nodeDataPath } from '../../../src/n8n/catalogue/data-names.ts'

const folder = join(import.meta.dirname, '../../../public/data/nodes')
const slack = 'n8n-nodes-base.slack'
const agent = '@n8n/n8n-nodes-langchain.agent'

describe('loadFacts', () => {
  test('knows the given types only', async () => {
    const facts = await loadFacts([slack, agent, 'n8n-nodes-community.thing', '../../catalogue', '', 'Tool'])
    expect(facts.nodeType(slack)).toMatchObject({ displayName: 'Slack', takesAnyVersion: false })
    expect(facts.nodeType(agent)?.versions).toContain(3.1)
    for (const name of [
      'n8n-nodes-community.thing',
      '../../catalogue',
      '',
      'Tool',
      'n8n-nodes-base.if',
      '__proto__',
    ]) {
      expect(facts.nodeType(name), name).toBeUndefined()
    }
  })

  test('describes each version of a type', async () => {
    const type = (await loadFacts(['n8n-nodes-base.if'])).nodeType('n8n-nodes-base.if')
    const conditions = (version: number) =>
      type?.describe(version)?.properties.find(({ name }) => name === 'conditions')?.type
    expect(type?.versions[0]).toBe(1)
    expect(conditions(1)).toBe('fixedCollection')
    expect(conditions(2.2)).toBe('filter')
    expect(type?.describe(7)).toBeUndefined()
  })

  test('a type with a single description takes any version', async () => {
    const facts = await loadFacts([
      'n8n-nodes-base.httpRequest',
      'n8n-nodes-base.noOp',
      'n8n-nodes-base.mattermost',
    ])
    expect(facts.nodeType('n8n-nodes-base.noOp')?.describe(99)?.name).toBe('n8n-nodes-base.noOp')
    expect(facts.nodeType('n8n-nodes-base.httpRequest')?.describe(99)).toBeUndefined()
    // Has one description, but declares its versions.
    expect(facts.nodeType('n8n-nodes-base.mattermost')?.describe(99)).toBeUndefined()
  })

  test('uses the newest version of n8n that is not newer than the given one', async () => {
    const of = async (version?: string) => (await loadFacts([agent], version)).n8nVersion
    const versions = Object.keys((await loadNodeIndex()).versions)
    expect(versions.length).toBeGreaterThanOrEqual(5)
    expect(await of()).toBe(versions.at(-1))
    expect(await of('2.15.3')).toBe('2.10')
    expect(await of('2.10.0')).toBe('2.10')
    expect(await of('1.123.4')).toBe(versions[0])
    expect(await of('9.0.0')).toBe(versions.at(-1))
    expect(await of('next')).toBe(versions.at(-1))
    expect(nearestVersion(['2.0', '2.10', '2.20'], '2.9')).toBe('2.0')
  })

  test('keeps the differences between versions of n8n', async () => {
    const versionsIn = async (n8n: string) => (await loadFacts([agent], n8n)).nodeType(agent)?.versions
    expect(await versionsIn('2.0.0')).not.toContain(3.1)
    expect(await versionsIn('2.41.1')).toContain(3.1)
    const old = await loadFacts(
      ['n8n-nodes-base.alibabaCloud', '@n8n/n8n-nodes-langchain.alibabaCloud'],
      '2.0',
    )
    expect(old.nodeType('@n8n/n8n-nodes-langchain.alibabaCloud')).toBeUndefined()
  })

  test('derives the tool forms', async () => {
    const names = [
      `${slack}Tool`,
      `${slack}HitlTool`,
      'n8n-nodes-base.ifTool',
      '@n8n/n8n-nodes-langchain.toolCode',
    ]
    const facts = await loadFacts(names)
    const tool = facts.nodeType(`${slack}Tool`)?.describe(2.3)
    expect(tool).toMatchObject({
      name: `${slack}Tool`,
      displayName: 'Slack Tool',
      isTool: true,
      inputs: [],
      outputs: [{ type: 'ai_tool' }],
    })
    expect(tool?.properties.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['descriptionType', 'toolDescription', 'resource']),
    )
    const review = facts.nodeType(`${slack}HitlTool`)?.describe(2.3)
    expect(review?.properties.find(({ name }) => name === 'operation')).toEqual({
      name: 'operation',
      type: 'hidden',
      default: 'sendAndWait',
    })
    expect(facts.nodeType('n8n-nodes-base.ifTool')).toBeUndefined()
    expect(facts.nodeType('@n8n/n8n-nodes-langchain.toolCode')?.describe(1.3)?.isTool).toBe(false)
    const old = await loadFacts(names, '2.0.0')
    expect(old.nodeType(`${slack}Tool`)).toBeDefined()
    expect(old.nodeType(`${slack}HitlTool`)).toBeUndefined()
    expect(baseOfTool('n8n-nodes-base.slackHitlTool')).toEqual({ base: slack, form: 'HitlTool' })
  })

  test('lists the type names of a version of n8n with their tool forms', async () => {
    const names = new Set((await loadFacts([])).typeNames())
    expect(names.size).toBeGreaterThan(800)
    for (const name of [slack, `${slack}Tool`, `${slack}HitlTool`, agent]) expect(names).toContain(name)
    expect(names).not.toContain('n8n-nodes-base.ifTool')
    const old = new Set((await loadFacts([], '2.0')).typeNames())
    expect(old).not.toContain(`${slack}HitlTool`)
    expect(old.size).toBeLessThan(names.size)
  })

  test('describing a type twice gives the same object', async () => {
    const type = (await loadFacts([slack])).nodeType(slack)
    expect(type?.describe(2.2)).toBe(type?.describe(2.2))
    expect(type?.describe(2.2)).toBe(type?.describe(2.3))
  })
})

describe('connectionsOf', () => {
  const sides = async (name: string, version: number, parameters: unknown) => {
    const facts = (await loadFacts([name])).nodeType(name)?.describe(version)
    const typesOf = (side: 'inputs' | 'outputs') =>
      connectionsOf(facts?.[side] ?? [], version, (key) => ownValue(parameters, key))?.map(({ type }) => type)
    return { in: typesOf('inputs'), out: typesOf('outputs') }
  }

  test('counts inputs and outputs', async () => {
    const merge = 'n8n-nodes-base.merge'
    expect((await sides(merge, 3.2, { numberInputs: 4 })).in).toHaveLength(4)
    expect((await sides(merge, 3.2, {})).in).toHaveLength(2)
    expect((await sides(merge, 2, {})).in).toHaveLength(2)
    const rules = { values: [{}, {}, {}] }
    const route = 'n8n-nodes-base.switch'
    expect((await sides(route, 3.2, { mode: 'rules', rules })).out).toHaveLength(3)
    const fallback = { mode: 'rules', rules, options: { fallbackOutput: 'extra' } }
    expect((await sides(route, 3.2, fallback)).out).toHaveLength(4)
    expect((await sides(route, 3.2, { mode: 'expression', numberOutputs: 5 })).out).toHaveLength(5)
    expect((await sides(route, 3.2, { mode: 'expression', numberOutputs: 1e9 })).out).toHaveLength(500)
    expect((await sides('n8n-nodes-base.webhook', 2, { httpMethod: ['GET', 'POST'] })).out).toHaveLength(2)
    expect((await sides('n8n-nodes-base.webhook', 2, { httpMethod: 'GET' })).out).toHaveLength(1)
  })

  test('depends on parameters and the version', async () => {
    expect((await sides(agent, 3, { hasOutputParser: false })).in).toEqual([
      'main',
      'ai_languageModel',
      'ai_memory',
      'ai_tool',
    ])
    expect((await sides(agent, 3, { hasOutputParser: true })).in).toContain('ai_outputParser')
    const respond = 'n8n-nodes-base.respondToWebhook'
    expect((await sides(respond, 1.1, {})).out).toHaveLength(1)
    expect((await sides(respond, 1.3, {})).out).toHaveLength(2)
    const store = '@n8n/n8n-nodes-langchain.vectorStorePinecone'
    expect((await sides(store, 1.1, { mode: 'retrieve-as-tool' })).out).toEqual(['ai_tool'])
    const code = '@n8n/n8n-nodes-langchain.code'
    const inputs = { input: [{ type: 'ai_tool', required: true }, { type: 'main' }] }
    expect((await sides(code, 1, { inputs })).in).toEqual(['ai_tool', 'main'])
  })

  test('is undefined where an expression decides', async () => {
    expect((await sides('n8n-nodes-base.switch', 3.2, { mode: '={{ $json.mode }}' })).out).toBeUndefined()
    expect((await sides('n8n-nodes-base.merge', 3.2, { numberInputs: '={{ 3 }}' })).in).toBeUndefined()
  })

  test('takes any value', async () => {
    for (const parameters of [
      null,
      3,
      'x',
      [],
      { mode: { a: 1 } },
      { rules: 'x' },
      { rules: { values: {} } },
    ]) {
      const { out = [] } = await sides('n8n-nodes-base.switch', 3.2, parameters)
      expect(out).toBeInstanceOf(Array)
    }
  })
})

describe('FileCache', () => {
  const file = (type: string): NodeFile => ({
    type,
    versions: {},
    descriptions: [],
    properties: [],
    children: [],
  })

  test('drops what was not used for the longest time', () => {
    const cache = new FileCache(100)
    cache.set('a', file('a'), 40)
    cache.set('b', file('b'), 40)
    cache.get('a')
    cache.set('c', file('c'), 40)
    expect(cache.get('b')).toBeUndefined()
    expect(cache.get('a')?.type).toBe('a')
    expect(cache.get('c')?.type).toBe('c')
    expect(cache.size).toBe(80)
  })

  test('keeps a file larger than the limit until the next one, and counts a replaced file once', () => {
    const cache = new FileCache(100)
    cache.set('big', file('big'), 500)
    expect(cache.get('big')?.type).toBe('big')
    cache.set('a', file('a'), 40)
    cache.set('a', file('a'), 50)
    expect(cache.get('big')).toBeUndefined()
    expect(cache.size).toBe(50)
  })
})

describe('nodeDataPath', () => {
  test('refuses names that are not files of node facts', () => {
    expect(nodeDataPath('n8n-nodes-base/slack')).toBe('nodes/n8n-nodes-base/slack.json')
    for (const name of [
      '',
      '../catalogue',
      'n8n-nodes-base/../../catalogue',
      'n8n-nodes-base/%2e%2e',
      '/etc/passwd',
      'n8n-nodes-base/slack.json',
      'n8n-nodes-base/slack\n',
      'n8n-nodes-base//slack',
      'n8n-nodes-base\\slack',
    ]) {
      expect(() => nodeDataPath(name), name).toThrow(TypeError)
    }
  })
})

describe('the files', () => {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.json'),
  )
  const files = paths
    .filter((path) => path.includes('/'))
    .map((path): [string, NodeFile] => [path, JSON.parse(readFileSync(join(folder, path), 'utf8'))])

  test('are those of the index', async () => {
    const { types } = await loadNodeIndex()
    expect(files.map(([path]) => path).toSorted()).toEqual(
      [...types.keys()].map((type) => `${nodeFileName(type)}.json`).toSorted(),
    )
    expect(files.filter(([path, { type }]) => `${nodeFileName(type)}.json` !== path)).toEqual([])
    expect(new Set(paths.map((path) => path.toLowerCase())).size).toBe(paths.length)
  })

  test('agree with the index on versions of n8n and of the type', async () => {
    const { types, versions } = await loadNodeIndex()
    const all = Object.keys(versions)
    for (const [path, file] of files) {
      const row = types.get(file.type)
      expect(Object.keys(file.versions), path).toEqual(row?.in ?? all)
      const newest = Object.values(file.versions).at(-1)
      const own = newest?.d.flatMap((index) => file.descriptions[index]?.v ?? []) ?? []
      expect(own, path).toEqual(expect.arrayContaining(row?.v ?? []))
    }
  })

  test('describe every version without a gap', async () => {
    const { types, versions } = await loadNodeIndex()
    let described = 0
    for (const n8n of Object.keys(versions)) {
      const facts = await loadFacts(types.keys(), n8n)
      for (const type of types.keys()) {
        const known = facts.nodeType(type)
        for (const version of known?.versions ?? []) {
          const found = known?.describe(version)
          expect(found?.version, `${type} ${version}`).toContain(version)
          described++
        }
        if (known) expect(known.describe(known.defaultVersion), type).toBeDefined()
      }
    }
    expect(described).toBeGreaterThan(4000)
  })

  test('contain no text of n8n', () => {
    const prose = /"(description|hint|placeholder|errorMessage|builderHint|subtitle)":"/
    for (const path of paths) {
      const text = readFileSync(join(folder, path), 'utf8')
      expect(prose.exec(text)?.[0], path).toBeUndefined()
      expect(text.includes('=> {') && /=\{\{\s*\(\(/.test(text), path).toBe(false)
    }
  })

  test('are small', () => {
    const sizes = paths.map((path) => statSync(join(folder, path)).size)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(5_000_000)
    expect(Math.max(...sizes)).toBeLessThan(200_000)
    expect(statSync(join(folder, 'index.json')).size).toBeLessThan(80_000)
  })
})
