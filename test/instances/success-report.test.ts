import { describe, expect, test } from 'vitest'
import { withoutSuccessReport, withSuccessReport } from '../../src/instances/success-report.ts'
import type { N8nNodeBody, N8nWorkflowBody } from '../../src/n8n/sendable/workflow.ts'

const receiver = { credentialId: 'fk1', webhookUrl: 'https://flowkeep.example.com/hooks/n8n/1' }
const isTrigger = (type: string) => /trigger$|\.webhook$/i.test(type)
const node = (name: string, type: string, more: Partial<N8nNodeBody> = {}): N8nNodeBody => ({
  id: name,
  name,
  type,
  typeVersion: 1,
  position: [100, 40],
  parameters: {},
  ...more,
})
const to = (name: string) => ({ node: name, type: 'main', index: 0 })
const workflow = (trigger: N8nNodeBody, more: Partial<N8nWorkflowBody> = {}): N8nWorkflowBody => ({
  name: 'Invoices',
  nodes: [trigger, node('Work', 'n8n-nodes-base.noOp', { position: [300, 500] })],
  connections: { [trigger.name]: { main: [[to('Work')]] } },
  settings: { executionOrder: 'v1' },
  ...more,
})
const add = (body: N8nWorkflowBody) => withSuccessReport(body, receiver, isTrigger)
const webhook = (parameters = {}) => node('Hook', 'n8n-nodes-base.webhook', { parameters })

describe('the success report node', () => {
  test('is connected to the trigger, below all other nodes, without other changes', () => {
    const given = workflow(webhook())
    const { body, triggers } = add(structuredClone(given))
    expect(triggers).toEqual(['Hook'])
    const [hook, work, report] = body.nodes
    expect([hook, work]).toEqual(given.nodes)
    expect(report).toMatchObject({
      executeOnce: true,
      onError: 'continueRegularOutput',
      parameters: { url: receiver.webhookUrl, method: 'POST' },
      credentials: { httpHeaderAuth: { id: 'fk1' } },
    })
    expect(report?.position[1]).toBeGreaterThan(500)
    expect(report).not.toHaveProperty('retryOnFail')
    expect(body.connections).toEqual({ Hook: { main: [[to('Work'), to(String(report?.name))]] } })
    expect(withoutSuccessReport(body)).toEqual(given)
  })

  test('is one node for all triggers and all their outputs', () => {
    const given = workflow(webhook(), {
      nodes: [
        webhook({ httpMethod: ['GET', 'POST'], multipleMethods: true }),
        node('Cron', 'n8n-nodes-base.scheduleTrigger'),
        node('Work', 'n8n-nodes-base.noOp'),
      ],
      connections: { Hook: { main: [[to('Work')], null] } },
    })
    const { body, triggers } = add(given)
    const name = String(body.nodes.at(-1)?.name)
    expect(triggers).toEqual(['Hook', 'Cron'])
    expect(body.connections).toEqual({
      Hook: { main: [[to('Work'), to(name)], [to(name)]] },
      Cron: { main: [[to(name)]] },
    })
    expect(withoutSuccessReport(body).connections).not.toHaveProperty('Cron')
  })

  test('is not added twice', () => {
    const { body } = add(workflow(webhook()))
    expect(add(body).body).toEqual(body)
  })

  test('has a unique name', () => {
    const taken = node('flowkeep: REPORT success', 'n8n-nodes-base.noOp')
    const given = workflow(webhook())
    const { body } = add({ ...given, nodes: [...given.nodes, taken] })
    expect(body.nodes.at(-1)?.name).toBe('Flowkeep: report success 2')
  })
})

describe('is not added where it would change the response or report too early', () => {
  test.each<[string, N8nWorkflowBody]>([
    ['a webhook that responds with the last node', workflow(webhook({ responseMode: 'lastNode' }))],
    ['a webhook whose response is an expression', workflow(webhook({ responseMode: '={{ $json.mode }}' }))],
    ['a webhook that streams', workflow(webhook({ responseMode: 'streaming' }))],
    ['a sub-workflow', workflow(node('Start', 'n8n-nodes-base.executeWorkflowTrigger'))],
    ['a chat', workflow(node('Chat', '@n8n/n8n-nodes-langchain.chatTrigger'))],
    ['a form', workflow(node('Form', 'n8n-nodes-base.formTrigger'))],
    ['a disabled trigger', workflow(node('Hook', 'n8n-nodes-base.webhook', { disabled: true }))],
    ['a manual trigger', workflow(node('Start', 'n8n-nodes-base.manualTrigger'))],
    ['the earlier execution order', workflow(webhook(), { settings: {} })],
    ['no trigger', workflow(node('Start', 'n8n-nodes-base.set'))],
  ])('%s', (_, given) => {
    expect(add(given)).toEqual({ body: given, triggers: [] })
  })

  test.each(['onReceived', 'responseNode'])('is added for a webhook that responds by %s', (responseMode) => {
    expect(add(workflow(webhook({ responseMode }))).triggers).toEqual(['Hook'])
  })
})

test('a workflow without the node is returned unchanged', () => {
  const given = workflow(webhook())
  expect(withoutSuccessReport(given)).toBe(given)
})
