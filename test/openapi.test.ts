import { describe, expect, test } from 'vitest'
import { useTestApp } from './harness/app.ts'

const app = useTestApp()

describe('the OpenAPI description', () => {
  test('is 3.1 and describes every mounted path, each with its good answer', async () => {
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

  test('resolves every reference within itself', async () => {
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

describe('the reference at /docs', () => {
  test('names every operation, and loads nothing from elsewhere and nothing inline', async () => {
    const { json } = await app.call('GET', '/openapi.json')
    const page = await app.call('GET', '/docs')
    expect(page.status).toBe(200)
    expect(page.text).toMatch(/^<!doctype html>/i)
    for (const path of Object.keys(json.paths)) expect(page.text).toContain(path)
    expect(page.text).not.toMatch(
      /<script(?! src="\/docs\/script.js" defer=""><\/script>)|https?:\/\/|style="|<style/,
    )
    const policy = page.headers.get('Content-Security-Policy')
    expect(policy).toMatch(/default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/)
    expect(policy).not.toContain('unsafe')
    expect((await app.call('GET', '/docs/script.js')).headers.get('Content-Type')).toContain(
      'text/javascript',
    )
    expect((await app.call('GET', '/docs/style.css')).headers.get('Content-Type')).toContain('text/css')
  })
})
