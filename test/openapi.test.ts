import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { parsePage } from './harness/dom.ts'
import { referenceAssets } from '../src/lib/assets.generated.ts'
import { useTestApp } from './harness/app.ts'

const app = useTestApp()

test('each schema of the document has a name of its own', () => {
  const src = join(import.meta.dirname, '../src')
  const names = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) => [...readFileSync(join(src, path), 'utf8').matchAll(/\bref: '(\w+)'/g)])
    .map(([, name]) => name)
  expect(names.length).toBeGreaterThan(50)
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
})

test.each(['/openapi.json', '/docs'])(
  '%s returns 304 to a client that has this release of it',
  async (path) => {
    const first = await app.call('GET', path)
    const tag = first.headers.get('ETag') ?? ''
    expect(tag).toMatch(/^"\S{12}"$/)
    const again = await app.call('GET', path, { headers: { 'If-None-Match': tag } })
    expect({ status: again.status, text: again.text }).toEqual({ status: 304, text: '' })
    const other = await app.call('GET', path, { headers: { 'If-None-Match': '"another"' } })
    expect(other.text).toBe(first.text)
  },
)

describe('the OpenAPI document', () => {
  test('is version 3.1 and describes every mounted path with its success response', async () => {
    const { json } = await app.call('GET', '/openapi.json')
    expect(json.openapi).toMatch(/^3\.1\./)
    const mounted = app.app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)(\{[^/]*\})?/g, '{$1}')}`)
      .filter((route) => / \/(v1|hooks|health)\//.test(route))
    const described = Object.entries(
      json.paths as Record<string, Record<string, { responses: object }>>,
    ).flatMap(([path, item]) =>
      Object.entries(item).map(([method, { responses }]) => ({
        route: `${method.toUpperCase()} ${path}`,
        responses,
      })),
    )
    expect(described.map(({ route }) => route).sort()).toEqual([...new Set(mounted)].sort())
    for (const { route, responses } of described) {
      expect({ route, good: Object.keys(responses).some((status) => status < '300') }).toEqual({
        route,
        good: true,
      })
    }
  })

  test('resolves every reference internally', async () => {
    const { json, text } = await app.call('GET', '/openapi.json')
    const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference = '']) => reference)
    expect(references.length).toBeGreaterThan(5)
    for (const reference of new Set(references)) {
      const target = reference
        .slice(2)
        .split('/')
        .reduce((node: Record<string, never> | undefined, key) => node?.[key], json)
      expect({ reference, found: target !== undefined }).toEqual({ reference, found: true })
    }
  })
})

describe('the description of an operation', () => {
  type Described = {
    operationId: string
    summary: string
    description: string
    tags: string[]
    parameters?: { $ref?: string; description?: string }[]
    requestBody?: { content: Record<string, { example?: unknown }> }
    responses: Record<
      string,
      { headers: Record<string, unknown>; content?: Record<string, { schema: unknown; example?: unknown }> }
    >
  }
  let operations: Described[]
  let tags: { name: string; description: string }[]
  beforeAll(async () => {
    const { json } = await app.call('GET', '/openapi.json')
    tags = json.tags
    operations = Object.values(json.paths as Record<string, Record<string, Described>>).flatMap((item) =>
      Object.values(item),
    )
  })

  test('has an operation ID of a verb and a noun, a summary, a described tag and described parameters', () => {
    const ids = operations.map(({ operationId }) => operationId)
    expect(ids.filter((id) => !/^[a-z]+[A-Z][A-Za-z0-9]+$/.test(id))).toEqual([])
    expect(new Set(ids).size).toBe(ids.length)
    const known = new Set(tags.filter(({ description }) => description !== '').map(({ name }) => name))
    for (const { operationId, summary, description, tags: own, parameters = [] } of operations) {
      expect({ operationId, short: summary.length < 60, described: description.length > 10 }).toEqual({
        operationId,
        short: true,
        described: true,
      })
      expect(own.every((name) => known.has(name))).toBe(true)
      const silent = parameters.filter((each) => !each.$ref && !each.description)
      expect({ operationId, silent }).toEqual({ operationId, silent: [] })
    }
  })

  test('has examples of its body and response, and a schema for each status', () => {
    for (const { operationId, requestBody, responses } of operations) {
      const good = Object.entries(responses).filter(([status]) => status < '300')
      const contents = [requestBody?.content, ...good.map(([, { content }]) => content)].filter(Boolean)
      const without = contents.filter((content) => content?.['application/json']?.example === undefined)
      expect({ operationId, without }).toEqual({ operationId, without: [] })
      const bad = Object.entries(responses).filter(([status]) => status >= '400' && status !== '4XX')
      for (const [, { content }] of bad) {
        expect(JSON.stringify(content?.['application/problem+json']?.schema)).toMatch(/schemas\/\w+Problem"/)
      }
    }
  })

  test('lists the headers of its responses', async () => {
    const user = await app.user()
    const { json } = await app.call('GET', '/openapi.json')
    const headersOf = (method: string, path: string, status: number) =>
      Object.keys(json.paths[path][method].responses[status].headers).toSorted()
    const names = ['ETag', 'Location', 'RateLimit', 'RateLimit-Policy', 'X-Request-Id']
    const body = { type: 'slackApi', name: 'Slack', data: { accessToken: 'x' } }
    const created = await user.call('POST', '/v1/credentials', { body })
    const path = `/v1/credentials/${created.json.id}`
    const answers = [
      ['post', '/v1/credentials', created],
      ['get', '/v1/credentials/{id}', await user.call('GET', path)],
      ['get', '/v1/credentials', await user.call('GET', '/v1/credentials')],
      [
        'patch',
        '/v1/credentials/{id}',
        await user.call('PATCH', path, { body: { name: 'Renamed' }, headers: { 'If-Match': '*' } }),
      ],
      ['get', '/v1/credentials/{id}', await user.call('GET', path, { headers: { 'If-None-Match': '"2"' } })],
      ['delete', '/v1/credentials/{id}', await user.call('DELETE', path)],
    ] as const
    expect(answers.map(([, , { status }]) => status)).toEqual([201, 200, 200, 200, 304, 204])
    for (const [method, route, { status, headers }] of answers) {
      expect({ method, route, headers: names.filter((name) => headers.has(name)) }).toEqual({
        method,
        route,
        headers: headersOf(method, route, status),
      })
    }
  })
})

describe('the reference at /docs', () => {
  test('lists every operation without external or inline resources', async () => {
    const { json } = await app.call('GET', '/openapi.json')
    const page = await app.call('GET', '/docs')
    expect(page.status).toBe(200)
    expect(page.text).toMatch(/^<!doctype html>/i)
    const { document, text, injected } = parsePage(page.text)
    for (const path of Object.keys(json.paths)) expect(text).toContain(path)
    expect(injected).toEqual([])
    expect(page.text).not.toMatch(/https?:\/\//)
    const [script, ...scripts] = document.querySelectorAll('script')
    expect(script?.getAttribute('src')).toMatch(/^\/assets\/reference\.\w+\.js$/)
    expect(script?.hasAttribute('defer')).toBe(true)
    expect(scripts).toEqual([])
    const linked = [...document.querySelectorAll('[src], [href]')].flatMap((each) => [
      each.getAttribute('src'),
      each.getAttribute('href'),
    ])
    const policy = page.headers.get('Content-Security-Policy')
    expect(policy).toMatch(/default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/)
    expect(policy).not.toContain('unsafe')
    for (const { path, mediaType } of Object.values(referenceAssets)) {
      expect(linked).toContain(path)
      const file = await app.call('GET', path)
      expect({ status: file.status, type: file.headers.get('Content-Type') }).toEqual({
        status: 200,
        type: mediaType,
      })
    }
  })
})
