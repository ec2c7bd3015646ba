import { expect, test } from 'vitest'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import { giveWebhookIds, webhookScopeOf } from '../../src/deployments/remote/webhook-ids.ts'

const catalogue = await loadCatalogue()
const place = {
  workflowId: '01890a5d-ac96-774b-bcce-b302099a8057',
  instanceId: '01890a5d-ac96-774b-bcce-b302099a8058',
}
const webhookScope = webhookScopeOf(place, null)
const chat = (name: string, id: string, webhookId?: string) => ({
  id,
  name,
  type: '@n8n/n8n-nodes-langchain.chatTrigger',
  typeVersion: 1.1,
  position: [0, 0],
  parameters: { public: true },
  ...(webhookId !== undefined && { webhookId }),
})
const given = (
  nodes: ReturnType<typeof chat>[],
  live: ReturnType<typeof chat>[] = [],
  scope = webhookScope,
) => {
  const copies = structuredClone(nodes)
  giveWebhookIds(copies, live, { catalogue, webhookScope: scope })
  return copies.map(({ webhookId }) => webhookId)
}

test('a node always has the same ID, and a different one elsewhere', () => {
  const [first] = given([chat('Chat', 'a')])
  expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/)
  expect(given([chat('Other name', 'a'), chat('Chat', 'b')])[0]).toBe(first)
  expect(
    given([chat('Chat', 'a')], [], webhookScopeOf({ ...place, instanceId: place.workflowId }, null)),
  ).not.toEqual([first])
  const own = { id: place.instanceId, managed: false }
  expect(given([chat('Chat', 'a')], [], webhookScopeOf(place, own))).not.toEqual([first])
  expect(webhookScopeOf(place, { ...own, managed: true })).toBe(webhookScope)
})

test('prefers the node’s own ID, then the one in n8n by name, then by node ID', () => {
  const live = [chat('Chat', 'a', 'l-1'), chat('Other', 'b', 'l-2')]
  expect(given([chat('Chat', 'x', 'own')], live)).toEqual(['own'])
  expect(given([chat('Chat', 'x')], live)).toEqual(['l-1'])
  expect(given([chat('Renamed', 'b'), chat('Chat', 'a')], live)).toEqual(['l-2', 'l-1'])
})

test('no two nodes get the same ID', () => {
  const [first] = given([chat('Chat', 'a')])
  const ids = given([chat('Chat', 'b'), chat('New', 'a')], [chat('Chat', 'a', first)])
  expect(ids[0]).toBe(first)
  expect(new Set(ids)).toHaveProperty('size', 2)
  expect(given([chat('Chat', 'b', 'l-1'), chat('New', 'a')], [chat('New', 'a', 'l-1')])[1]).not.toBe('l-1')
})

test('only nodes to which n8n assigns an ID get one', () => {
  const slack = { ...chat('Slack', 's'), type: 'n8n-nodes-base.slack', typeVersion: 2.2 }
  const community = { ...chat('Acme', 'c'), type: 'n8n-nodes-acme.acmeTrigger' }
  expect(given([slack, community])).toEqual([undefined, undefined])
})
