import { describe, expect, test } from 'vitest'
import { loadCatalogue } from '../../src/n8n/catalogue.ts'
import { checkCredentialData, sendableCredentialData } from '../../src/n8n/credential-data.ts'
import { canariesIn, minimalCredentialData, sampleCredentialData } from './sample-data.ts'

const catalogue = await loadCatalogue()
const check = (type: string, data: unknown) => checkCredentialData(catalogue, type, data)
const types = catalogue.searchCredentialTypes().flatMap(({ type }) => catalogue.credentialType(type) ?? [])

describe('every one of the 447 types', () => {
  test('takes data with all its fields', () => {
    const refused = types.filter((type) => check(type.type, sampleCredentialData(type)).length > 0)
    expect(refused.map((type) => type.type)).toEqual([])
    expect(types).toHaveLength(447)
  })

  test('takes data with only the fields called required', () => {
    const refused = types.filter((type) => check(type.type, minimalCredentialData(type)).length > 0)
    expect(refused.map((type) => type.type)).toEqual([])
  })

  test('refuses a field that it does not have, and never repeats a value', () => {
    for (const type of types) {
      const data = { ...sampleCredentialData(type), noSuchField: 'canary-0123456789abcdef' }
      const errors = check(type.type, data)
      expect(errors).toEqual([{ pointer: '/data/noSuchField', detail: `is not a field of ${type.type}` }])
      for (const canary of canariesIn(data)) expect(JSON.stringify(errors)).not.toContain(canary)
    }
  })

  test('refuses an array where a scalar belongs, and never repeats a value', () => {
    for (const type of types) {
      for (const field of type.fields.filter((each) => ['string', 'number', 'boolean'].includes(each.kind))) {
        const data = { ...sampleCredentialData(type), [field.name]: ['canary-0123456789abcdef'] }
        const errors = check(type.type, data)
        expect(errors.map((error) => error.pointer)).toEqual([`/data/${field.name}`])
        expect(JSON.stringify(errors)).not.toContain('canary')
      }
    }
  })
})

describe('a required field', () => {
  test.each([[{}], [{ accessToken: '' }], [{ accessToken: null }]])('is missing from %j', (data) => {
    expect(check('slackApi', data)).toEqual([{ pointer: '/data/accessToken', detail: 'is required' }])
  })

  test('may be left out when it has a default', () => {
    expect(check('postgres', {})).toEqual([])
    expect(check('ftp', { host: 'h' })).not.toContainEqual(expect.objectContaining({ pointer: '/data/port' }))
  })

  test('counts only while n8n shows it', () => {
    const endpoints = { accessTokenUrl: 'https://x.test/token', clientId: 'i', clientSecret: 's' }
    expect(check('oAuth2Api', { grantType: 'clientCredentials', ...endpoints })).toEqual([])
    expect(check('oAuth2Api', { grantType: 'authorizationCode', ...endpoints })).toEqual([
      { pointer: '/data/authUrl', detail: 'is required' },
    ])
    expect(check('oAuth2Api', endpoints)).toEqual([{ pointer: '/data/authUrl', detail: 'is required' }])
    expect(check('oAuth2Api', { useDynamicClientRegistration: true })).toEqual([
      { pointer: '/data/serverUrl', detail: 'is required' },
    ])
  })
})

describe('a value', () => {
  test.each([
    ['postgres', 'port', '5432', 'must be a number'],
    ['postgres', 'sshTunnel', 'yes', 'must be true or false'],
    ['postgres', 'host', 5, 'must be a string'],
    ['postgres', 'ssl', 'maybe', 'must be one of allow, disable, require'],
    ['httpCustomAuth', 'json', 5, 'must be JSON'],
    ['httpMultipleHeadersAuth', 'headers', [], 'must be an object'],
  ])('of the wrong kind is named: %s %s %j', (type, name, value, detail) => {
    expect(check(type, { [name]: value })).toContainEqual({ pointer: `/data/${name}`, detail })
  })

  test.each([
    ['postgres', { port: '={{ $vars.port }}', sshTunnel: '=x', ssl: '=y', host: '=z' }],
    ['erpNextApi', { environment: 'selfHosted', domain: 'https://erp.example.test' }],
    ['erpNextApi', { environment: 'cloudHosted', domain: 'frappe.cloud' }],
    ['httpCustomAuth', { json: { headers: {} } }],
    ['slackOAuth2Api', { clientId: 'i', clientSecret: 's', oauthTokenData: { access_token: 't' } }],
    ['slackApi', { accessToken: 't', notice: '', managedAppId: 'x' }],
    ['n8n-nodes-community.someApi', { anything: ['goes'] }],
    ['constructor', { anything: 1 }],
  ])('that n8n would take is taken: %s %j', (type, data) => {
    expect(check(type, data)).toEqual([])
  })

  test.each([[null], [[]], ['text'], [5], [undefined]])('must not stand for the whole: %j', (data) => {
    expect(check('slackApi', data)).toEqual([{ pointer: '/data', detail: 'must be an object' }])
  })

  test('with an inherited name is only an unknown field', () => {
    const data = JSON.parse('{"accessToken":"t","__proto__":{"x":1},"constructor":1,"a/b~c":1}')
    expect(check('slackApi', data).map((error) => error.pointer)).toEqual([
      '/data/__proto__',
      '/data/constructor',
      '/data/a~1b~0c',
    ])
  })
})

test('what n8n fills in itself is not sent to it', () => {
  const data = { accessToken: 't', notice: '', managedAppId: 'x' }
  expect(sendableCredentialData(catalogue, 'slackApi', data)).toEqual({ accessToken: 't' })
  expect(sendableCredentialData(catalogue, 'communityApi', data)).toEqual(data)
})
