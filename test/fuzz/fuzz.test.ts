/**
 * Random requests for every operation of the OpenAPI document. `FUZZ_SEED` repeats a run, `FUZZ_REQUESTS` sets its length.
 * A failure prints the seed and a command that sends the smallest request with the same failure.
 */
import { randomInt } from 'node:crypto'
import * as fc from 'fast-check'
import pLimit from 'p-limit'
import { v7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { leaks } from '../credentials/canaries.ts'
import { createN8nStub } from '../harness/n8n-stub.ts'
import { createResources, type N8nServer } from '../harness/target-resources.ts'
import {
  randomAddress,
  startTarget,
  type Target,
  type TargetAnswer,
  type TargetUser,
} from '../harness/target.ts'
import { faultsOf } from './faults.ts'
import { operationsOf } from './operations.ts'
import { bytesOf, curlOf, type FuzzRequest, requestsOf } from './requests.ts'

const isLong = process.env['FLOWKEEP_LONG'] === 'true'
const seed = Number(process.env['FUZZ_SEED'] ?? randomInt(2 ** 31))
const isNode = process.env['FLOWKEEP_RUNTIME'] !== 'workerd'
const requests = Number(process.env['FUZZ_REQUESTS'] ?? (isLong ? (isNode ? 20_000 : 3000) : 500))
/** New resources after this many requests, since requests delete them, and a new session, since tokens expire. */
const renewEvery = 250
/** Requests at a time. */
const concurrency = 8

const secret = `cnry${crypto.randomUUID().replaceAll('-', '')}`
const apiKey = `cnry${crypto.randomUUID().replaceAll('-', '')}`

let target: Target
let n8n: N8nServer & { close: () => Promise<void> }
let owner: TargetUser
let stranger: TargetUser
let scopedToken = ''
let webhookToken = ''
let hookInstance = ''
/** Collection → IDs in responses, newest first. */
const known = new Map<string, string[]>()

beforeAll(async () => {
  const stub = await createN8nStub({ apiKey })
  n8n = { stub, ...(await stub.listen()) }
  // A fast machine sends more than 600 requests that call n8n in a minute.
  target = await startTarget({ env: { QUOTA_INSTANCES: '100000', RATE_OUTGOING_PER_MINUTE: '0' } })
  owner = await target.user()
  stranger = await target.user()
  const token = await owner.call('POST', '/v1/tokens', {
    body: { name: 'Fuzz', scopes: ['workflows:read', 'executions:read'], requestsPerMinute: 6000 },
  })
  scopedToken = token.json.token
})
afterAll(async () => {
  await target?.close()
  await n8n?.close()
})

async function renew(): Promise<void> {
  await owner.renew()
  const created = await createResources(target, owner, n8n, { credential: secret, apiKey })
  for (const [collection, id] of Object.entries(created.ids)) remember(collection, id)
  webhookToken = created.webhookToken
  hookInstance = created.ids['instances'] ?? ''
  target.answers.length = 0
}

function remember(collection: string, id: string): void {
  known.set(collection, [id, ...(known.get(collection) ?? []).filter((each) => each !== id)].slice(0, 10))
}

function harvest(request: FuzzRequest, { json, status }: TargetAnswer): void {
  if (status >= 300) return
  const collection = request.operation.path.split('/{')[0]?.replace(/^\/v1\//, '') ?? ''
  for (const each of [json, ...(Array.isArray(json?.items) ? json.items.slice(0, 3) : [])]) {
    if (typeof each?.id === 'string') remember(collection, each.id)
  }
}

const withIds = (text: string): string =>
  text.replace(/\{id:([a-z/*-]+):(\d+)\}/g, (_, collection: string, index: string) => {
    const ids = collection === '*' ? [...known.values()].flat() : (known.get(collection) ?? [])
    return ids[Number(index) % Math.max(ids.length, 1)] ?? v7()
  })

interface Sent {
  answer: TargetAnswer
  curl: string
}

async function sendRequest(request: FuzzRequest): Promise<Sent> {
  const { operation } = request
  const tokens: Record<FuzzRequest['as'], string | undefined> = {
    user: owner.accessToken,
    stranger: stranger.accessToken,
    token: scopedToken,
    webhook: webhookToken,
    forged: `${owner.accessToken.slice(0, -4)}AAAA`,
    nobody: undefined,
  }
  const isWebhook = request.as === 'webhook'
  const path = isWebhook ? operation.path.replace('{instanceId}', hookInstance) : withIds(request.path)
  const token = operation.isPublic ? undefined : tokens[request.as]
  const text = request.body === undefined ? undefined : withIds(request.body)
  const headers = {
    ...(text !== undefined && { 'Content-Type': 'application/json' }),
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    ...request.headers,
  }
  const answer = await target.call(operation.method, path, {
    headers,
    ...(text !== undefined && { body: bytesOf(text, request.isCompressed) }),
    // Each sign-in counts against the address.
    from: randomAddress(),
  })
  harvest(request, answer)
  return { answer, curl: curlOf(target.url.origin, operation.method, path, headers, text) }
}

async function failuresOf(request: FuzzRequest): Promise<{ faults: string[]; sent?: Sent }> {
  try {
    const sent = await sendRequest(request)
    const faults = faultsOf(request.operation, sent.answer)
    const text = sent.answer.text + JSON.stringify([...sent.answer.headers])
    if (leaks(text, [secret, apiKey, owner.password]).length > 0) faults.push('contains a secret')
    return { faults, sent }
  } catch (error) {
    return { faults: [`no response: ${String(error)}`] }
  }
}

interface Finding {
  key: string
  index: number
  curl: string
  response: string
  count: number
}

test(`${requests} requests get responses as described (seed ${seed})`, async () => {
  const document = (await target.call('GET', '/openapi.json')).json
  const { operations, resolve } = operationsOf(document)
  const arbitrary = requestsOf(operations, { resolve, n8nUrl: n8n.baseUrl })
  const findings = new Map<string, Finding>()
  const statuses = new Map<number, number>()
  const exercised = new Set<string>()
  const observe = async (request: FuzzRequest, index: number) => {
    const { faults, sent } = await failuresOf(request)
    if (sent) {
      const { status } = sent.answer
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      if (status < 300) exercised.add(request.operation.id)
    }
    for (const fault of faults) {
      const key = `${request.operation.id}: ${fault}`
      const before = findings.get(key)
      const curl = sent?.curl ?? ''
      const response = sent?.answer.text.slice(0, 600) ?? ''
      if (before) before.count += 1
      else findings.set(key, { key, index, curl, response, count: 1 })
    }
  }
  const limit = pLimit(concurrency)
  const all = fc.sample(arbitrary, { seed, numRuns: requests })
  for (let from = 0; from < requests; from += renewEvery) {
    await renew()
    const part = all.slice(from, from + renewEvery)
    await Promise.all(part.map((request, i) => limit(() => observe(request, from + i))))
    expect((await target.call('GET', '/health/live')).status).toBe(200)
  }
  await renew()
  for (const finding of [...findings.values()].slice(0, 30)) {
    let smallest = finding
    const shrinks = fc.asyncProperty(arbitrary, async (request) => {
      const { faults, sent } = await failuresOf(request)
      const isSame = faults.some((fault) => `${request.operation.id}: ${fault}` === finding.key)
      if (isSame && sent) {
        smallest = { ...finding, curl: sent.curl, response: sent.answer.text.slice(0, 600) }
      }
      return !isSame
    })
    await fc.check(shrinks, {
      seed,
      path: String(finding.index),
      numRuns: 1,
      interruptAfterTimeLimit: 10_000,
    })
    findings.set(finding.key, smallest)
  }
  const report = [...findings.values()].map(
    ({ key, count, curl, response }) => `${key} (${count}×)\n${curl.slice(0, 2000)}\n→ ${response}`,
  )
  const counts = [...statuses].toSorted(([a], [b]) => a - b).map(([status, count]) => `${status} ${count}×`)
  process.stdout.write(
    `seed ${seed}: ${requests} requests, ${exercised.size} of ${operations.length} operations succeeded, ` +
      `${counts.join(', ')}, ${findings.size} findings\n`,
  )
  expect(report, `FUZZ_SEED=${seed} repeats this run`).toEqual([])
  expect(leaks(target.logs(), [secret, apiKey, owner.password])).toEqual([])
  expect(leaks(await target.database.dump(), [secret, apiKey, owner.password])).toEqual([])
})
