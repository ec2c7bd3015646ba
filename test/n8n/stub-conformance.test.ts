/**
 * @module Compares the stub with the responses of n8n 2.41.1. With N8N_URL and N8N_API_KEY (of an n8n for tests), the
 * same table runs against a real n8n, which verifies the stub.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { createN8nStub } from '../harness/n8n-stub.ts'
import { credentials } from './conformance/credentials.ts'
import { executions } from './conformance/executions.ts'
import { publishing } from './conformance/publishing.ts'
import { requests } from './conformance/requests.ts'
import { type Api, CREDENTIALS, type Json, type Memory, type Row, WORKFLOWS } from './conformance/row.ts'
import { workflowShape } from './conformance/workflow-shape.ts'

const groups = { ...requests, ...workflowShape, ...publishing, ...credentials, ...executions }

const stub = await createN8nStub({ publishDelayMs: 40, unpublishDelayMs: 40 })
targets('the stub', { baseUrl: stub.baseUrl, apiKey: stub.apiKey, fetch: stub.fetch })

const { N8N_URL, N8N_API_KEY } = process.env
const isGiven = N8N_URL !== undefined && N8N_API_KEY !== undefined
describe.skipIf(!isGiven)(isGiven ? 'a real n8n' : 'a real n8n (N8N_URL and N8N_API_KEY are not set)', () => {
  targets('answers so', { isReal: true, baseUrl: N8N_URL ?? '', apiKey: N8N_API_KEY ?? '', fetch })
})

function targets(
  title: string,
  target: { isReal?: true; baseUrl: string; apiKey: string; fetch: typeof fetch },
) {
  const api: Api = async (method, path, body, headers = {}) => {
    const all = {
      'x-n8n-api-key': target.apiKey,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    }
    const kept = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null)
    const response = await target.fetch(target.baseUrl + path, {
      method,
      headers: Object.fromEntries(kept),
      redirect: 'manual',
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const html = response.headers.get('content-type')?.startsWith('text/html') ?? false
    return { status: response.status, html, body: html || text === '' ? {} : (JSON.parse(text) as Json) }
  }

  describe(title, () => {
    const made = { workflows: new Set<string>(), credentials: new Set<string>() }
    for (const [group, rows] of Object.entries(groups)) {
      describe(group, () => {
        const memory: Memory = {}
        const asked: Row[] = target.isReal ? rows.filter(({ hurried }) => !hurried) : rows
        test.each(asked)('$name ($status)', async (row) => {
          const path = typeof row.path === 'string' ? row.path : row.path(memory)
          const attempt = async () => {
            const answer = await api(row.method, path, row.body, row.headers)
            if (row.method === 'POST' && answer.status === 200) {
              if (path === WORKFLOWS) made.workflows.add(String(answer.body.id))
              if (path === CREDENTIALS) made.credentials.add(String(answer.body.id))
            }
            expect(
              { status: answer.status, html: answer.html },
              JSON.stringify(answer.body).slice(0, 300),
            ).toEqual({
              status: row.status,
              html: row.html ?? false,
            })
            if (row.keys) expect(Object.keys(answer.body).toSorted()).toEqual(row.keys.toSorted())
            if (row.like) expect(answer.body).toMatchObject(row.like)
            row.check?.(answer.body, memory)
          }
          // n8n takes a little longer to complete the effects of a response.
          const deadline = Date.now() + (row.eventually ? 8000 : 0)
          for (;;) {
            const problem = await attempt().then(
              () => undefined,
              (error: unknown) => error,
            )
            if (problem === undefined) break
            if (Date.now() >= deadline) throw problem
            await sleep(25)
          }
        })
      })
    }

    afterAll(async () => {
      for (const id of made.credentials) await api('DELETE', `${CREDENTIALS}/${id}`)
      for (const id of made.workflows) await api('POST', `${WORKFLOWS}/${id}/unpublish`)
      for (const id of made.workflows) {
        for (let tries = 0; tries < 20; tries += 1) {
          if ((await api('DELETE', `${WORKFLOWS}/${id}`)).status !== 409) break
          await sleep(100)
        }
      }
    })
  })
}
