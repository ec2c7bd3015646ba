import { describe, expect, test } from 'vitest'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import {
  checkCredentialData,
  completeCredentialData,
  sendableCredentialData,
} from '../../src/n8n/catalogue/credential-data.ts'
import { canariesIn, minimalCredentialData, sampleCredentialData } from './sample-data.ts'

const catalogue = await loadCatalogue()
const check = (type: string, data: unknown) => checkCredentialData(catalogue, type, data)
const types = catalogue.searchCredentialTypes().flatMap(({ type }) => catalogue.credentialType(type) ?? [])

describe('every one of the 447 types', () => {
  test('accepts data with all its fields', () => {
    const refused = types.filter((type) => check(type.type, sampleCredentialData(type)).length > 0)
    expect(refused.map((type) => type.type)).toEqual([])
    expect(types).toHaveLength(447)
  })

  test('accepts data with only the required fields', () => {
    const refused = types.filter((type) => check(type.type, minimalCredentialData(type)).length > 0)
    expect(refused.map((type) => type.type)).toEqual([])
  })

  test('rejects an unknown field without repeating a value', () => {
    for (const type of types) {
      const data = { ...sampleCredentialData(type), noSuchField: 'canary-0123456789abcdef' }
      const errors = check(type.type, data)
      expect(errors).toEqual([{ pointer: '/data/noSuchField', detail: `is not a field of ${type.type}` }])
      for (const canary of canariesIn(data)) expect(JSON.stringify(errors)).not.toContain(canary)
    }
  })

  test('rejects an array for a scalar without repeating a value', () => {
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
  test.each([[{}], [{ accessToken: '' }], [{ accessToken: null }]])(
    'is reported as missing in %j',
    (data) => {
      expect(check('slackApi', data)).toEqual([{ pointer: '/data/accessToken', detail: 'is required' }])
    },
  )

  test('may be omitted if it has a default', () => {
    expect(check('postgres', {})).toEqual([])
    expect(check('ftp', { host: 'h' })).not.toContainEqual(expect.objectContaining({ pointer: '/data/port' }))
  })

  test('is required only while n8n shows it', () => {
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

const portDemand = 'must be a port: a whole number from 1 to 65535'

describe('a port', () => {
  test.each<[string, string]>([
    ['postgres', 'port'],
    ['postgres', 'sshPort'],
    ['weaviateApi', 'custom_connection_grpc_port'],
  ])('is a whole number from 1 to 65535: %s %s', (type, name) => {
    for (const port of [0, -1, 65_536, 99_999_999, 5432.5, 1e300]) {
      const data = { ...(type === 'weaviateApi' && { connection_type: 'custom_connection' }), [name]: port }
      expect(check(type, data)).toContainEqual({ pointer: `/data/${name}`, detail: portDemand })
    }
    for (const port of [1, 5432, 65_535]) {
      expect(check(type, { [name]: port })).not.toContainEqual(
        expect.objectContaining({ pointer: `/data/${name}` }),
      )
    }
  })

  test('can be a string, as n8n stores it for LDAP', () => {
    const ldap = (port: string) => check('ldap', { hostname: 'h', port, bindDN: 'b', bindPassword: 'p' })
    for (const port of ['0', '99999999', '389.5', ' -1 '])
      expect(ldap(port), port).toEqual([{ pointer: '/data/port', detail: portDemand }])
    for (const port of ['636', ' 389 ', '={{ $vars.port }}']) expect(ldap(port), port).toEqual([])
  })
})

describe('a value', () => {
  test.each([
    ['postgres', 'port', '5432', 'must be a number'],
    ['oracleDBApi', 'expireTime', -1, 'must be at least 0'],
    ['postgres', 'sshTunnel', 'yes', 'must be true or false'],
    ['postgres', 'host', 5, 'must be a string'],
    ['postgres', 'ssl', 'maybe', 'must be one of allow, disable, require'],
    ['httpCustomAuth', 'json', 5, 'must be JSON'],
    ['httpMultipleHeadersAuth', 'headers', [], 'must be an object'],
    ['postgres', 'port', '={{ $vars.port }}', 'must be a number'],
    ['postgres', 'sshTunnel', '={{ true }}', 'must be true or false'],
    ['postgres', 'ssl', '={{ $vars.ssl }}', 'must be one of allow, disable, require'],
    ['oracleDBApi', 'privilege', 2, 'cannot be set through the n8n API. Omit it and set it in n8n'],
    ['oAuth2Api', 'accessTokenUrl', 'not a URL', 'must be an HTTP or HTTPS URL'],
    ['oAuth2Api', 'authUrl', 'javascript:alert(1)', 'must be an HTTP or HTTPS URL'],
  ])('of the wrong type is reported: %s %s %j', (type, name, value, detail) => {
    expect(check(type, { [name]: value })).toContainEqual({ pointer: `/data/${name}`, detail })
  })

  test.each([
    ['postgres', { host: '={{ $vars.host }}', port: '', ssl: '' }],
    ['postgres', { port: 1, sshPort: 65_535, maxConnections: 1_000_000 }],
    ['oracleDBApi', { user: 'u', password: 'p', connectionString: 'c', expireTime: 0, poolMin: -1 }],
    ['linkedInOAuth2Api', { clientId: 'i', clientSecret: 's', organizationSupport: false }],
    ['nextCloudOAuth2Api', { clientId: 'i', clientSecret: 's', webDavUrl: 'w', authUrl: '={{ $vars.url }}' }],
    ['erpNextApi', { environment: 'selfHosted', domain: 'https://erp.example.test' }],
    ['erpNextApi', { environment: 'cloudHosted', domain: 'frappe.cloud' }],
    ['httpCustomAuth', { json: { headers: {} } }],
    ['slackOAuth2Api', { clientId: 'i', clientSecret: 's', oauthTokenData: { access_token: 't' } }],
    ['slackApi', { accessToken: 't', notice: '', managedAppId: 'x' }],
    ['n8n-nodes-community.someApi', { anything: ['goes'] }],
    ['constructor', { anything: 1 }],
  ])('that n8n accepts is accepted: %s %j', (type, data) => {
    expect(check(type, data)).toEqual([])
  })

  test.each([[null], [[]], ['text'], [5], [undefined]])('cannot replace the whole data: %j', (data) => {
    expect(check('slackApi', data)).toEqual([{ pointer: '/data', detail: 'must be an object' }])
  })

  test('with an inherited name is just an unknown field', () => {
    const data = JSON.parse('{"accessToken":"t","__proto__":{"x":1},"constructor":1,"a/b~c":1}')
    expect(check('slackApi', data).map((error) => error.pointer)).toEqual([
      '/data/__proto__',
      '/data/constructor',
      '/data/a~1b~0c',
    ])
  })
})

describe('the data sent to n8n', () => {
  const send = (type: string, data: Record<string, unknown>) => sendableCredentialData(catalogue, type, data)

  test('omits fields that n8n fills in', () => {
    const data = { accessToken: 't', notice: '', managedAppId: 'x' }
    expect(send('slackApi', data)).toEqual({ accessToken: 't' })
    expect(send('communityApi', data)).toEqual(data)
  })

  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['auth0ManagementApi', { clientId: 'i', clientSecret: 's' }, { domain: 'your-domain.eu.auth0.com' }],
    ['ftp', { host: 'h' }, { port: 21 }],
    ['googlePalmApi', { apiKey: 'k' }, { host: 'https://generativelanguage.googleapis.com' }],
    ['customerIoApi', {}, { region: 'track.customer.io' }],
    ['ollamaApi', {}, { baseUrl: 'http://localhost:11434' }],
  ])('contains the default of a required field: %s %j', (type, data, filled) => {
    expect(send(type, data)).toMatchObject({ ...data, ...filled })
    const [[name, value] = ['', '']] = Object.entries(filled)
    const own = { ...data, [name]: typeof value === 'number' ? 99 : value }
    expect(send(type, own)).toEqual({ ...send(type, data), ...own })
  })

  test('contains the default of a blank required field', () => {
    expect(send('ftp', { host: 'h', port: '' })).toMatchObject({ port: 21 })
    expect(send('ftp', { host: 'h', port: null })).toMatchObject({ port: 21 })
  })

  test('contains no default of an optional field', () => {
    expect(send('postgres', { host: 'h' })).toEqual({ host: 'h' })
    expect(send('weaviateApi', { connection_type: 'weaviate_cloud' })).not.toHaveProperty(
      'custom_connection_http_port',
    )
    expect(send('weaviateApi', { connection_type: 'custom_connection' })).toMatchObject({
      custom_connection_http_port: 8080,
      custom_connection_grpc_secure: false,
    })
  })

  test('contains JSON as text, and only OAuth tokens as an object', () => {
    expect(send('httpCustomAuth', { json: { headers: { a: 'b' } } })).toEqual({
      json: '{"headers":{"a":"b"}}',
    })
    const tokens = { access_token: 't' }
    const data = { clientId: 'i', clientSecret: 's' }
    expect(send('slackOAuth2Api', { ...data, oauthTokenData: tokens })).toEqual({
      ...data,
      oauthTokenData: tokens,
    })
    expect(send('slackOAuth2Api', { ...data, oauthTokenData: JSON.stringify(tokens) })).toEqual({
      ...data,
      oauthTokenData: tokens,
    })
  })

  test('is complete for a merge in n8n, so that a removed field does not keep its value', () => {
    const complete = completeCredentialData(catalogue, 'slackOAuth2Api', { clientId: 'i', clientSecret: 's' })
    expect(complete).toMatchObject({ clientId: 'i', signatureSecret: '', customScopes: false })
    expect(complete).not.toHaveProperty('oauthTokenData')
    expect(complete).not.toHaveProperty('scope')
  })
})
