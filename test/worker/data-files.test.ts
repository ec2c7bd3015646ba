/** The worker's handling of missing static assets. `worker.test.ts` covers reading them. */
import { beforeEach, describe, expect, test, vi } from 'vitest'

const bindings: { ASSETS?: { fetch: (url: string, init?: RequestInit) => Promise<Response> } } = {}
vi.mock('cloudflare:workers', () => ({ env: bindings, waitUntil: () => {} }))
const { readDataFile } = await import('../../src/worker/data-files.ts')

beforeEach(() => delete bindings.ASSETS)

describe('readDataFile', () => {
  test('reads the file from the binding', async () => {
    const asked: string[] = []
    bindings.ASSETS = {
      fetch: async (url) => {
        asked.push(new URL(url).pathname)
        return Response.json({ nodes: [] })
      },
    }
    expect(await readDataFile('catalogue')).toEqual({ nodes: [] })
    expect(asked).toEqual(['/data/catalogue.json'])
  })

  test('reports a missing binding', async () => {
    await expect(readDataFile('catalogue')).rejects.toThrow('no ASSETS binding')
  })

  test('reports a missing file', async () => {
    bindings.ASSETS = { fetch: async () => new Response('', { status: 404 }) }
    await expect(readDataFile('api')).rejects.toThrow(
      'Static asset /data/api.json is not available: HTTP 404',
    )
  })

  test('gives up when the binding never responds', async () => {
    bindings.ASSETS = {
      fetch: (_, init) =>
        new Promise((_resolve, reject) => {
          expect(init?.signal).toBeInstanceOf(AbortSignal)
          reject(new DOMException('The operation timed out', 'TimeoutError'))
        }),
    }
    await expect(readDataFile('catalogue')).rejects.toThrow('timed out')
  })
})
