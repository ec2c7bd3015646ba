/** @module Pushing to a real n8n updates the value and keeps consent given in n8n. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, onRealN8n, type World } from './world.ts'

onRealN8n()('pushing to a real n8n', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld()
  })
  afterAll(() => world?.close())

  async function pushed(type: string, data: Record<string, unknown>) {
    const { json, status } = await world.call('POST', '/v1/credentials', {
      name: `credentials ${type}`,
      type,
      data,
    })
    expect(status).toBe(201)
    const push = (body: object = {}) => world.call('POST', `/v1/credentials/${json.id}/push`, body)
    const first = await push({ instanceId: world.instanceId })
    expect(first.json.results).toMatchObject([{ status: 'created' }])
    const n8nId = String(first.json.results[0].n8nCredentialId)
    const patch = (change: object) =>
      world.call('PATCH', `/v1/credentials/${json.id}`, { data: change }, { 'If-Match': '*' })
    const test = async () => (await world.n8n('POST', `/credentials/${n8nId}/test`)).json
    return { push, patch, n8nId, test }
  }

  test('keeps the sign-in of an OAuth2 credential, which a full update would remove', async () => {
    const {
      push,
      patch,
      n8nId,
      test: signedIn,
    } = await pushed('slackOAuth2Api', {
      clientId: 'client',
      clientSecret: 'first',
      signatureSecret: 'signature',
    })
    expect(await signedIn()).toMatchObject({ status: 'Error' })
    // The format in which n8n stores consent.
    const consent = { data: { oauthTokenData: { access_token: 'token' } }, isPartialData: true }
    expect((await world.n8n('PATCH', `/credentials/${n8nId}`, consent)).status).toBe(200)
    expect(await signedIn()).toMatchObject({ status: 'OK' })
    await patch({ clientSecret: 'second', signatureSecret: null })
    expect((await push()).json.results).toMatchObject([{ status: 'updated', n8nCredentialId: n8nId }])
    expect(await signedIn()).toMatchObject({ status: 'OK' })
    expect((await push()).json.results).toMatchObject([{ status: 'unchanged' }])
    const whole = { data: { clientId: 'client', clientSecret: 'third' } }
    await world.n8n('PATCH', `/credentials/${n8nId}`, whole)
    expect(await signedIn()).toMatchObject({ status: 'Error' })
  })

  test('fills in the fields that n8n requires, and recreates a deleted credential', async () => {
    const { push, patch, n8nId } = await pushed('googlePalmApi', { apiKey: 'key' })
    await patch({ apiKey: 'another key' })
    expect((await push()).json.results).toMatchObject([{ status: 'updated' }])
    await world.n8n('DELETE', `/credentials/${n8nId}`)
    expect((await push()).json.results).toMatchObject([{ status: 'created', n8nCredentialId: n8nId }])
    expect(await world.n8n('GET', `/credentials/${n8nId}`)).toMatchObject({
      status: 200,
      json: { type: 'googlePalmApi' },
    })
  })
})
