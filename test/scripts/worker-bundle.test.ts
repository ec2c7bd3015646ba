import { describe, expect, test } from 'vitest'
import { codeBySource, partOf } from '../../scripts/bundle-parts.ts'
import { withoutDocumentation } from '../../scripts/without-documentation.ts'

describe('withoutDocumentation', () => {
  const openapi = "import { describe } from '../http/openapi.ts'\n"
  const zod = "import * as z from 'zod'\n"
  const strip = (path: string, source: string) => String(withoutDocumentation(path, source))

  test('removes descriptions of routes and leaves their validators and handlers', () => {
    expect(
      strip('src/a/routes.ts', `${openapi}app.get('/', describe({ a: f(1) }), valid(q), (c) => c.text('x'))`),
    ).toBe(`${openapi}app.get('/', valid(q), (c) => c.text('x'))`)
    expect(strip('src/a/routes.ts', `${openapi}app.get('/', describe({}))`)).toBe(`${openapi}app.get('/', )`)
  })

  test('leaves a function of the same name from elsewhere', () => {
    const source = "import { describe } from './labels.ts'\nshow(describe({ a: 1 }))"
    expect(strip('src/a/routes.ts', source)).toBe(source)
  })

  test('removes metadata of schemas within and after other calls', () => {
    expect(
      strip(
        'src/a/page.ts',
        `${zod}const f = () => z.object({ a: z.string().meta({ b: 1 }).max(3) }).meta({\n  ref: 'A',\n}) as unknown`,
      ),
    ).toBe(`${zod}const f = () => z.object({ a: z.string().max(3) }) as unknown`)
  })

  test('leaves reads of metadata, and `meta` where there are no schemas', () => {
    const read = `${zod}const f = () => schema.meta()`
    expect(strip('src/a/page.ts', read)).toBe(read)
    const other = "element.meta({ name: 'a' })"
    expect(strip('src/web/a.ts', other)).toBe(other)
  })

  test('marks constant schemas as free of effects, so that unused ones are dropped', () => {
    expect(strip('src/a/contract.ts', `${zod}export const A = z.string().meta({ a: 1 }), n = 1`)).toBe(
      `${zod}export const A = /* @__PURE__ */ (() => z.string())(), n = 1`,
    )
  })

  test('reports a file that does not parse', () => {
    expect(() => strip('src/a.ts', 'const = 1')).toThrow('src/a.ts does not parse')
  })
})

describe('codeBySource', () => {
  test('attributes each stretch of the bundle to its source, including lines without segments', () => {
    const code = 'aa;bb`x\ny`;cc'
    // Columns 0 and 3 of line 1: sources 0 and 1. Line 3, column 3: back to source 0.
    const map = { mappings: 'AAAA,GCAA;GDAA', sources: ['../src/a/b.ts', '../node_modules/@s/p/c.js'] }
    const parts = codeBySource({ code, map } as never)
    expect(Object.fromEntries(parts)).toMatchObject({
      '../src/a/b.ts': 'aa;cc',
      '../node_modules/@s/p/c.js': 'bb`xy`;',
    })
  })
})

test.each([
  ['../../../main/node_modules/@neondatabase/serverless/index.mjs', '@neondatabase/serverless'],
  ['../node_modules/zod/v4/core/core.js', 'zod'],
  ['../src/web/layout/page.tsx', 'src/web'],
  ['../src/app.ts', 'src/app.ts'],
  ['', 'bundler'],
])('the part of %s is %s', (source, part) => {
  expect(partOf(source)).toBe(part)
})
