import { expect, test } from 'vitest'
import { consentUrl, oauthConsent } from '../../src/instances/oauth-consent.ts'
import { createN8nClient } from '../../src/n8n/api/client.ts'
import type { Generation } from '../harness/n8n-stub-state.ts'
import { createN8nStub } from '../harness/n8n-stub.ts'

async function setting(generation: Generation = '2.41') {
  const stub = await createN8nStub({ generation })
  const client = createN8nClient({ baseUrl: stub.baseUrl, apiKey: stub.apiKey, fetch: stub.fetch })
  const { id } = await client.createCredential({
    name: 'Sheets',
    type: 'googleSheetsOAuth2Api',
    data: { clientId: 'id', clientSecret: 'secret' },
  })
  return { stub, client, id }
}

test('consent is missing until the user has signed in', async () => {
  const { stub, client, id } = await setting()
  expect(await oauthConsent(client, id)).toBe('missing')
  stub.state.credentials.get(id)!.data['oauthTokenData'] = { access_token: 'token' }
  expect(await oauthConsent(client, id)).toBe('given')
})

test('consent is unknown for a type or an n8n without a credential test', async () => {
  const { client } = await setting()
  const { id } = await client.createCredential({
    name: 'Header',
    type: 'httpHeaderAuth',
    data: { name: 'X', value: 'v' },
  })
  expect(await oauthConsent(client, id)).toBe('unknown')
  const legacy = await setting('2.0')
  expect(await oauthConsent(legacy.client, legacy.id)).toBe('unknown')
})

test('a credential that n8n does not have is an error', async () => {
  const { client } = await setting()
  await expect(oauthConsent(client, 'gone')).rejects.toMatchObject({ kind: 'not-found' })
})

test('the link to a credential keeps the path prefix of the instance', () => {
  expect(consentUrl('https://example.com/n8n', 'abc')).toBe('https://example.com/n8n/home/credentials/abc')
})
