/** What the worker does about static assets that are not there; that it reads them is shown in `worker.test.ts`. */
import { beforeEach, describe, expect, test, vi } from 'vitest'

const bindings: { ASSETS?: { fetch: (url: string, init?: RequestInit) => Promise<Response> } } = {}
vi.mock('cloudflare:workers', () => ({ env: bindings, waitUntil: () => {} }))
const { readDataFile } = await import('../../src/worker/data-files.ts')

beforeEach(() => delete bindings.ASSETS)

describe('readDataFile', () => {
  test('asks the binding for the file', async () => {
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

  test('names the binding that is missing', async () => {
    await expect(readDataFile('catalogue')).rejects.toThrow('no ASSETS binding')
  })

  test('names the file that is missing', async () => {
    bindings.ASSETS = { fetch: async () => new Response('', { status: 404 }) }
    await expect(readDataFile('parameter-facts')).rejects.toThrow(
      'Static asset /data/parameter-facts.json is not available: HTTP 404',
    )
  })

  test('gives up on an answer that never comes', async () => {
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
