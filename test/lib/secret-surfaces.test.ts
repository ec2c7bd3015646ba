import { seeded } from '../harness/random.ts'
import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { auditEvent } from '../../src/db/audit.ts'
import type { Db } from '../../src/db/client.ts'
import { listParameters } from '../../src/executions/diagnosis/parameters.ts'
import { redirectWith } from '../../src/web/notice.ts'
import { plainValue } from '../../src/web/components/shown-value.ts'
import { readPayload } from '../../src/executions/reports/payload.ts'
import { toRunData } from '../../src/executions/record/run-data.ts'
import { createLog } from '../../src/http/log.ts'
import { redactDetail } from '../../src/n8n/api/transport.ts'
import { findHardCodedSecrets } from '../../src/n8n/checks/hard-coded-secrets.ts'
import { redactStrings } from '../../src/lib/secrets/redact-json.ts'
import { type Planted, plantedSecrets } from './planted-secrets.ts'

const secrets = plantedSecrets(seeded(40_417))
const now = new Date('2026-11-29T12:00:00Z')

/** The parts of secrets, inserted in `text`, that `surface` shows. */
async function stays(surface: (text: string) => unknown): Promise<string[]> {
  const found: string[] = []
  for (const { name, text, secret } of secrets) {
    const shown = await surface(`Request failed: ${text}`)
    const output = typeof shown === 'string' ? shown : JSON.stringify(shown)
    if (output.includes(secret.slice(0, 8)) || output.includes(secret.slice(-8)))
      found.push(`${name}: ${output}`)
  }
  return found
}

const report = (text: string) => ({
  executionId: '7',
  workflowId: 'w1',
  status: 'error',
  finishedAt: '2026-11-29T11:00:00.000Z',
  error: { message: text, node: { name: text } },
})

function logged(text: string): string {
  const lines: string[] = []
  createLog(
    'info',
    (line) => lines.push(line),
    () => now,
  )('error', 'failed', { reason: text })
  return lines.join('')
}

async function notice(text: string): Promise<string> {
  const app = new Hono().get('/', (c) => redirectWith(c, '/next', text, 'fail'))
  const answer = await app.request('http://localhost/')
  return decodeURIComponent(answer.headers.get('set-cookie') ?? '')
}

function audited(text: string): unknown {
  let row: unknown
  const db = { insert: () => ({ values: (values: unknown) => (row = values) }) } as unknown as Db
  auditEvent(db, 'user', 'workflow.created', null, { name: text, list: [{ text }] })
  return row
}

const surfaces: [string, (text: string) => unknown][] = [
  [
    'run data',
    (text) => toRunData({ node: [{ json: { text, list: [text] }, error: { message: text } }] })?.json,
  ],
  ['the message and node of a report', (text) => readPayload(report(text), now)],
  ['a log line', logged],
  ['the reason of a rejection by n8n', (text) => redactDetail(text, 'the-key-of-n8n')],
  ['a notice of the dashboard', notice],
  ['the details of an audit event', audited],
  [
    'the outline of parameters',
    (text) => listParameters({ [text.slice(0, 2000)]: 1 }).rows.map(({ key }) => key),
  ],
  ['a copy without secrets', (text) => redactStrings({ text })],
]

test.each(surfaces)('redacts every secret in %s', async (_name, surface) => {
  expect(await stays(surface)).toEqual([])
})

test('the workflow check reports a secret, and the page does not show it', () => {
  const missed = secrets.filter(({ text }) => {
    const parameters = { body: text }
    const shown = plainValue({ value: text, parent: parameters, key: 'body' })
    return findHardCodedSecrets({ parameters }).length === 0 || shown.includes(text)
  })
  expect(missed.map(({ name }: Planted) => name)).toEqual([])
})

const lengths = [2000, 2048, 4096, 16_384]

test.each(lengths)('redacts a secret across character %i completely', (length) => {
  const secret = `glpat-${'9aB3'.repeat(8)}`
  for (const before of [4, 12, 20, 30]) {
    const text = `${'word '.repeat(length).slice(0, length - before - 1)} ${secret} and more ${'word '.repeat(99)}`
    for (const shown of [logged(text), redactDetail(text, 'the-key-of-n8n')]) {
      expect(shown).not.toContain('glpat-')
      expect(shown).not.toContain('9aB39')
    }
  }
})
