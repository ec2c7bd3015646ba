/** A credential that needs consent, from the first deploy to the sign-in, on a real n8n. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, onRealN8n, type World } from './world.ts'

onRealN8n()('consent', () => {
  let world: World

  beforeAll(async () => {
    world = await createWorld({ pushes: false })
  })
  afterAll(() => world?.close())

  test('a deploy creates client ID and secret in n8n, and succeeds after the sign-in', async () => {
    const credential = await world.call('POST', '/v1/credentials', {
      type: 'googleSheetsOAuth2Api',
      name: 'live consent',
      data: { clientId: 'id-of-the-client', clientSecret: 'secret-of-the-client' },
    })
    expect(credential.status).toBe(201)
    const workflow = {
      name: 'live consent',
      nodes: [
        {
          id: 'a',
          name: 'Hourly',
          type: 'n8n-nodes-base.scheduleTrigger',
          typeVersion: 1.2,
          position: [0, 0],
          parameters: { rule: { interval: [{ field: 'hours' }] } },
        },
        {
          id: 'b',
          name: 'Sheet',
          type: 'n8n-nodes-base.googleSheets',
          typeVersion: 4.5,
          position: [200, 0],
          parameters: {
            operation: 'read',
            documentId: { __rl: true, mode: 'id', value: 'abcdefghijklmnopqrstuvwxyz0123456789' },
            sheetName: { __rl: true, mode: 'name', value: 'Sheet1' },
          },
        },
      ],
      connections: { Hourly: { main: [[{ node: 'Sheet', type: 'main', index: 0 }]] } },
    }
    const saved = await world.call('POST', '/v1/workflows', { workflow })
    const target = { workflowId: saved.json.id, instanceId: world.instanceId }
    const plan = async () => (await world.call('POST', '/v1/deployments/plan', target)).json

    expect(await plan()).toMatchObject({ ready: false, slots: [{ status: 'needs-consent' }] })
    const refused = await world.call('POST', '/v1/deployments', target)
    expect(refused).toMatchObject({ status: 422, json: { consents: [{ node: 'Sheet' }] } })
    const { consentUrl } = refused.json.consents[0]
    const n8nCredentialId = String(consentUrl).split('/').at(-1)
    expect((await world.n8n('GET', `/credentials/${n8nCredentialId}`)).status).toBe(200)
    expect(await plan()).toMatchObject({ ready: false, slots: [{ status: 'needs-consent', consentUrl }] })

    // Simulates a sign-in.
    const signed = await world.n8n('PATCH', `/credentials/${n8nCredentialId}`, {
      data: {
        clientId: 'id-of-the-client',
        clientSecret: 'secret-of-the-client',
        oauthTokenData: { access_token: 'dummy' },
      },
    })
    expect(signed.status).toBe(200)
    expect(await plan()).toMatchObject({ ready: true, slots: [{ status: 'bound' }] })
    const { json } = await world.call('POST', '/v1/deployments', target)
    expect(json).toMatchObject({ status: 'active', error: null })
  })

  test('a community node that is not installed in n8n is not ready', async () => {
    const workflow = {
      name: 'live community node',
      nodes: [
        {
          id: 'a',
          name: 'Hourly',
          type: 'n8n-nodes-base.scheduleTrigger',
          typeVersion: 1.2,
          position: [0, 0],
          parameters: { rule: { interval: [{ field: 'hours' }] } },
        },
        {
          id: 'b',
          name: 'Shop',
          type: 'n8n-nodes-flowkeep-none.shop',
          typeVersion: 1,
          position: [200, 0],
          parameters: {},
        },
      ],
      connections: { Hourly: { main: [[{ node: 'Shop', type: 'main', index: 0 }]] } },
    }
    const saved = await world.call('POST', '/v1/workflows', { workflow })
    const target = { workflowId: saved.json.id, instanceId: world.instanceId }
    const { json } = await world.call('POST', '/v1/deployments/plan', target)
    const listed = (await world.n8n('GET', '/community-packages')).status === 200
    expect(json).toMatchObject({
      ready: false,
      problems: [{ code: listed ? 'community-node-missing' : 'community-node-unverified', node: 'Shop' }],
    })
  })
})
