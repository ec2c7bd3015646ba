/** Code that no person writes: long or deep. The check answers, with the findings that it gives for short code. */
import { beforeAll, expect, test } from 'vitest'
import { check } from '../../src/check/check.ts'
import { loadParser } from '../../src/check/code/parser.ts'
import { loadFacts } from '../../src/check/facts/load.ts'

beforeAll(loadParser)

async function codesFor(jsCode: string): Promise<string[]> {
  const node = (name: string, type: string, typeVersion: number, parameters: object) => ({
    id: name,
    name,
    type: `n8n-nodes-base.${type}`,
    typeVersion,
    position: [0, 0],
    parameters,
  })
  const workflow = {
    nodes: [
      node('Hook', 'webhook', 2, { path: 'a', httpMethod: 'POST', options: {} }),
      node('Code', 'code', 2, { jsCode }),
    ],
    connections: { Hook: { main: [[{ node: 'Code', type: 'main', index: 0 }]] } },
  }
  const facts = await loadFacts(workflow.nodes.map(({ type }) => type))
  return check(workflow, facts).map(({ code }) => code)
}

const many = (count: number, line: (index: number) => string, between = '\n') =>
  Array.from({ length: count }, (_, index) => line(index)).join(between)

test.each<[string, string]>([
  ['a long chain of members', `x${many(20_000, (index) => `.a${index}`, '')}`],
  ['a long chain of the input', `$json${'.a'.repeat(20_000)}`],
  ['a long chain of optional members', `$json${'?.a'.repeat(20_000)}`],
  [
    'names that stand for other names',
    `let ${many(20_000, (index) => `a${index + 1} = a${index}`, ',')}\na20000.b`,
  ],
])('%s is checked', async (_, code) => {
  expect(await codesFor(`${code}\nreturn [{ json: {} }]`)).not.toContain('invalid-code')
})

test('many declarations are checked, including for two of the same name', async () => {
  const declarations = many(8000, (index) => `let a${index} = 1; var b${index}; function c${index}() {}`)
  const end = '\nreturn [{ json: {} }]'
  expect(await codesFor(declarations + end)).toEqual([])
  for (const twice of ['let a7', 'const b7 = 1', 'var a7', 'let c7']) {
    expect({ twice, codes: await codesFor(`${declarations}\n${twice}${end}`) }).toEqual({
      twice,
      codes: ['invalid-code'],
    })
  }
  const twiceAllowed = `${declarations}\nvar b7; { let a7 } try {} catch (e) { var e }${end}`
  expect(await codesFor(twiceAllowed)).toEqual([])
})

test('many references in one long code are checked', async () => {
  const known = many(4000, (index) => `const v${index} = $('Hook').first().json.body`)
  expect(await codesFor(`${known}\nreturn [{ json: {} }]`)).toEqual([])
  const unknown = many(4000, (index) => `const u${index} = $('Hook ${index}').first().json.body`)
  expect(await codesFor(`${known}\n${unknown}\nreturn [{ json: {} }]`)).toEqual(['unknown-node-reference'])
})
