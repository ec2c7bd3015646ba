/** Rules, channels and receivers of one user, on a real Postgres. Time is passed to the jobs, not read. */
import { v7 } from 'uuid'
import { expect } from 'vitest'
import { deliverDue } from '../../src/alerts/deliver.ts'
import { evaluateRules } from '../../src/alerts/evaluate.ts'
import { minuteMs } from '../../src/lib/time.ts'
import type { Mail } from '../../src/mail/mail.ts'
import type { TestApp, TestUser } from '../harness/app.ts'

export interface Received {
  url: string
  headers: Record<string, string>
  body: string
}

/** Receivers of webhooks: answers each request with `respond`, and records it. */
export function createReceiver() {
  const receiver = {
    received: [] as Received[],
    mails: [] as Mail[],
    respond: (_request: Received, _count: number): Response | Promise<Response> => new Response('ok'),
    fetch: (async (input: string, init: RequestInit & { body: string }) => {
      const headers = Object.fromEntries(new Headers(init.headers))
      const request = { url: input, headers, body: init.body }
      receiver.received.push(request)
      const count = receiver.received.filter(({ url }) => url === request.url).length
      return receiver.respond(request, count)
    }) as typeof fetch,
  }
  return receiver
}

export type Receiver = ReturnType<typeof createReceiver>

export async function createAlertWorld(app: TestApp, receiver: Receiver) {
  const user = await app.user()
  const { db } = app.deps
  const startedAt = new Date()
  const post = async (path: string, body: unknown, status = 201) => {
    const answer = await user.call('POST', path, { body })
    expect({ path, status: answer.status, text: answer.status === status ? '' : answer.text }).toEqual({
      path,
      status,
      text: '',
    })
    return answer.json
  }
  const after = (minutes: number) => new Date(startedAt.getTime() + minutes * minuteMs)
  const instance = await post('/v1/instances', {
    name: 'Production',
    baseUrl: `https://n8n-${v7()}.example.com`,
    apiKey: 'planted-api-key',
  })
  let reports = 0
  const track = async (name: string, nodes: unknown[] = [], settings: object = {}) => {
    const workflow = await post('/v1/workflows', {
      workflow: { name, nodes, connections: {}, settings },
    })
    const id = v7()
    const n8nWorkflowId = id.replaceAll('-', '').slice(-16)
    await app.database.sql`
      insert into deployments (id, user_id, workflow_id, instance_id, version, n8n_workflow_id, status, live_since)
      values (${id}, ${user.id}, ${workflow.id}, ${instance.id}, 1, ${n8nWorkflowId}, 'active', ${startedAt})`
    /** Records a run that started `minutes` after the start of the test. */
    const ran = async (minutes: number, status: 'success' | 'error', message = 'No', mode = 'trigger') => {
      reports += 1
      const answer = await app.call('POST', `/hooks/n8n/${instance.id}`, {
        token: instance.webhookToken,
        body: {
          executionId: String(reports),
          workflowId: n8nWorkflowId,
          status,
          mode,
          startedAt: after(minutes).toISOString(),
          finishedAt: after(minutes).toISOString(),
          ...(status === 'error' && { error: { message, node: 'Slack' } }),
        },
      })
      expect(answer.json).toMatchObject({ created: true })
    }
    /** Records a run whose AI node used `tokens` of input. */
    const used = async (minutes: number, tokens: number) => {
      reports += 1
      const at = after(minutes).toISOString()
      const tokenUsage = { promptTokens: tokens, completionTokens: 0 }
      const run = {
        startTime: Date.parse(at),
        executionTime: 5,
        inputOverride: { ai_languageModel: [[{ json: { options: { model: 'acme-large' } } }]] },
        data: { ai_languageModel: [[{ json: { tokenUsage } }]] },
      }
      const answer = await app.call('POST', `/hooks/n8n/${instance.id}`, {
        token: instance.webhookToken,
        body: {
          id: String(reports),
          workflowId: n8nWorkflowId,
          status: 'success',
          startedAt: at,
          stoppedAt: at,
          data: { resultData: { runData: { Model: [run] } } },
        },
      })
      expect(answer.json).toMatchObject({ created: true })
    }
    return { workflowId: workflow.id as string, deploymentId: id, ran, used }
  }
  const evaluate = (minutes: number) => evaluateRules(db, after(minutes), 1000)
  const delivery = {
    db,
    secretBox: app.deps.secretBox,
    fetch: receiver.fetch,
    urls: { publicUrl: 'https://flowkeep.example.com', allowLoopback: false },
    sendMail: async (mail: Mail) => void receiver.mails.push(mail),
  }
  const deliver = (minutes: number, limit = 1000) =>
    deliverDue({ ...delivery, now: () => after(minutes) }, { limit })
  /** Both jobs, as one worker runs them. */
  const work = async (minutes: number) => {
    await evaluate(minutes)
    await deliver(minutes)
  }
  const list = async (path: string) => (await user.call('GET', `/v1/alerts/${path}`)).json.items
  return { user, instance, post, track, evaluate, deliver, work, list, after, delivery }
}

export type AlertWorld = Awaited<ReturnType<typeof createAlertWorld>>
export type { TestUser }
