/** The pages of environments, and the values in the settings of an instance. */
import { expect, test } from 'vitest'
import { useTestApp } from '../harness/app.ts'
import { browser } from './browser.ts'

const app = useTestApp()

test('an environment is added, changed and deleted, with variables and credentials', async () => {
  const user = await app.user()
  const data = { accessToken: 'xoxb-planted' }
  const { id: credentialId } = (
    await user.call('POST', '/v1/credentials', { body: { type: 'slackApi', name: 'Team bot', data } })
  ).json
  const tab = browser(app.app)
  await tab.post('/sign-in', { email: user.email, password: user.password })
  expect((await tab.get('/environments')).text).toContain('No environments yet')
  const fields = {
    name: 'staging',
    variables: 'API_URL=https://staging.example/?a=b\nREGION = eu\nTEXT="two\\nlines"\n',
    'credential.slackApi': credentialId,
  }
  const made = await tab.post('/environments', fields)
  expect(made.status).toBe(303)
  const [path = ''] = made.location?.split('?') ?? []
  const read = async () => (await user.call('GET', `/v1${path}`)).json
  expect(await read()).toMatchObject({
    name: 'staging',
    isProduction: false,
    variables: { API_URL: 'https://staging.example/?a=b', REGION: 'eu', TEXT: 'two\nlines' },
    credentials: [{ type: 'slackApi', credentialId }],
  })
  const shown = (await tab.get(path)).text
  expect(shown).toContain('API_URL=https://staging.example/?a=b')
  expect(shown).toContain('Team bot')
  const expected = '1'
  const secret = { ...fields, expected, variables: 'API_TOKEN=ghp_0123456789abcdefghijABCDEFGHIJ012345' }
  const refused = await tab.post(path, secret)
  expect(refused.status).toBe(422)
  expect(refused.text).toContain('looks like a secret')
  const noLine = await tab.post(path, { ...fields, expected, variables: 'API_URL' })
  expect(noLine.text).toContain('NAME=value')
  const saved = await tab.post(path, {
    expected,
    name: 'live',
    isProduction: 'true',
    variables: 'REGION=us',
    'credential.slackApi': '',
  })
  expect(saved.status).toBe(303)
  expect(await read()).toMatchObject({
    name: 'live',
    isProduction: true,
    variables: { REGION: 'us' },
    credentials: [],
    version: 2,
  })
  expect((await tab.post(path, { ...fields, expected })).status).toBe(412)
  const body = { name: 'One', baseUrl: 'https://n8n.example.com', apiKey: 'planted', environment: 'live' }
  const { id } = (await user.call('POST', '/v1/instances', { body })).json
  expect((await tab.get(path)).text).toContain(`/instances/${id}`)
  const settings = {
    name: 'One',
    baseUrl: 'https://n8n.example.com',
    environment: 'live',
    variables: 'REGION=eu',
  }
  expect((await tab.post(`/instances/${id}/settings`, settings)).status).toBe(303)
  const instance = await tab.get(`/instances/${id}`)
  expect(instance.text).toContain('$vars.REGION')
  await tab.post(`${path}/delete`, {})
  expect((await user.call('GET', `/v1${path}`)).status).toBe(200)
  await tab.post(`/instances/${id}/settings`, { ...settings, environment: '' })
  await tab.post(`${path}/delete`, {})
  expect((await user.call('GET', `/v1${path}`)).status).toBe(404)
})
