import { beforeAll, describe, expect, test } from 'vitest'
import type { Control, FormField } from '../../../src/web/credentials/form/type-fields.ts'
import { controllingNames, formFields, readFields } from '../../../src/web/credentials/form/type-fields.ts'
import { fieldLabel, optionLabel } from '../../../src/web/credentials/labels.ts'
import { type Catalogue, loadCatalogue } from '../../../src/n8n/catalogue/catalogue.ts'

let catalogue: Catalogue

beforeAll(async () => {
  catalogue = await loadCatalogue()
})

type Stored = Record<string, unknown> | null

const fieldsOf = (type: string, typed: Record<string, string> = {}, stored: Stored = null): FormField[] =>
  formFields({ rows: catalogue.credentialFields(type), typed: new Map(Object.entries(typed)), stored })
const fieldOf = (type: string, name: string, typed: Record<string, string> = {}, stored: Stored = null) =>
  fieldsOf(type, typed, stored).find((field) => field.name === name)
const namesOf = (...given: Parameters<typeof fieldsOf>) => fieldsOf(...given).map(({ name }) => name)
const read = (type: string, typed: Record<string, string>, stored: Stored = null) =>
  readFields({ rows: catalogue.credentialFields(type), typed: new Map(Object.entries(typed)), stored })

describe('form fields', () => {
  test.each<[string, string, Control]>([
    ['postgres', 'host', 'text'],
    ['postgres', 'port', 'number'],
    ['postgres', 'password', 'secret'],
    ['postgres', 'ssl', 'choice'],
    ['postgres', 'sshTunnel', 'switch'],
    ['googleApi', 'privateKey', 'lines'],
    ['httpCustomAuth', 'json', 'json'],
    ['httpMultipleHeadersAuth', 'headers', 'json'],
    ['httpHeaderAuth', 'useCustomAuth', 'notice'],
    ['oAuth2Api', 'ignoreSSLIssues', 'switch'],
  ])('render %s.%s as %s', (type, name, control) => {
    expect(fieldOf(type, name)?.control).toBe(control)
  })

  test("have n8n's label, or one made of the name", () => {
    expect(fieldOf('slackApi', 'accessToken')?.label).toBe('Access Token')
    expect(fieldOf('httpHeaderAuth', 'allowedHttpRequestDomains')?.label).toBe('Allowed HTTP Request Domains')
  })

  test('can be generated for every built-in type', () => {
    for (const { type } of catalogue.searchCredentialTypes()) {
      const fields = fieldsOf(type)
      expect(new Set(fields.map(({ name }) => name)).size, type).toBe(fields.length)
      expect(fields.every(({ secret, value }) => !secret || value === '')).toBe(true)
      for (const { control, options } of fields)
        if (control === 'choice') expect(options.length).toBeGreaterThan(1)
    }
  })

  test('appear only after the choice they belong to', () => {
    expect(namesOf('postgres')).not.toContain('sshHost')
    expect(namesOf('postgres', { sshTunnel: 'true' })).toContain('sshPassword')
    const withKey = namesOf('postgres', { sshTunnel: 'true', sshAuthenticateWith: 'privateKey' })
    expect(withKey).toContain('privateKey')
    expect(withKey).not.toContain('sshPassword')
  })

  test('appear for a stored choice unless the form has another one', () => {
    const stored = { sshTunnel: true, sshHost: 'jump.example' }
    expect(namesOf('postgres', {}, stored)).toContain('sshHost')
    expect(namesOf('postgres', { sshTunnel: 'false' }, stored)).not.toContain('sshHost')
  })

  test('exclude fields that n8n fills in itself', () => {
    expect(namesOf('slackOAuth2Api')).not.toContain('accessTokenUrl')
  })

  test('contain no stored value, secret or not', () => {
    const stored = { host: 'db.canary.example', password: 'canary-secret', port: 65_001, ssl: 'require' }
    const fields = fieldsOf('postgres', {}, stored)
    expect(JSON.stringify(fields)).not.toMatch(/canary|65001/)
    expect(fields.filter(({ isStored }) => isStored).map(({ name }) => name)).toEqual(
      Object.keys(stored).toSorted(byForm),
    )
    expect(fields.find(({ name }) => name === 'ssl')).toMatchObject({ value: '', control: 'choice' })
  })

  test('keep typed values except secrets', () => {
    const typed = { host: 'db.example', password: 'canary-secret' }
    expect(fieldOf('postgres', 'host', typed)?.value).toBe('db.example')
    expect(JSON.stringify(fieldsOf('postgres', typed))).not.toContain('canary-secret')
    // n8n's type does not mark it as secret.
    expect(
      fieldOf('postgres', 'passphrase', {
        sshTunnel: 'true',
        sshAuthenticateWith: 'privateKey',
        passphrase: 'x',
      }),
    ).toMatchObject({ secret: true, value: '' })
  })

  test('require a value only if none is stored', () => {
    expect(fieldOf('slackApi', 'accessToken')).toMatchObject({ required: true, isStored: false })
    expect(fieldOf('slackApi', 'accessToken', {}, { accessToken: 'x' })).toMatchObject({
      required: false,
      isStored: true,
    })
  })

  test('start with known defaults, but without defaults when editing', () => {
    expect(fieldOf('postgres', 'ssl')).toMatchObject({ value: 'disable' })
    expect(fieldOf('postgres', 'sshTunnel')).toMatchObject({ value: 'false' })
    expect(fieldOf('postgres', 'sshTunnel', {}, { host: 'x' })).toMatchObject({
      value: '',
      control: 'choice',
    })
  })

  test.each([
    ['postgres', 'host', 'localhost', null, null],
    ['postgres', 'port', '5432', 1, 65_535],
    ['postgres', 'password', '', null, null],
    ['questDb', 'password', '', null, null],
    ['ldap', 'port', '389', 1, 65_535],
    ['flowApi', 'organizationId', '0', null, null],
    ['oracleDBApi', 'expireTime', '0', 0, null],
    ['oracleDBApi', 'connectionString', 'localhost/orcl', null, null],
    ['slackApi', 'accessToken', '', null, null],
  ])('have the default and the range of %s.%s', (type, name, defaultText, minimum, maximum) => {
    expect(fieldOf(type, name)).toMatchObject({ defaultText, minimum, maximum })
  })

  test('name the default of a choice that an edited credential does not set', () => {
    expect(fieldOf('postgres', 'ssl', {}, { host: 'x' })?.options[0]).toEqual(['', 'Default: Disable'])
    expect(fieldOf('postgres', 'sshTunnel', {}, { host: 'x' })?.options[0]).toEqual(['', 'Default: No'])
  })

  test('have the port next to its host, and otherwise the order of n8n', () => {
    const postgres = namesOf('postgres', { sshTunnel: 'true' })
    expect(postgres.slice(0, 5)).toEqual(['host', 'port', 'database', 'user', 'password'])
    expect(postgres.indexOf('sshPort')).toBe(postgres.indexOf('sshHost') + 1)
    expect(namesOf('microsoftSql').slice(0, 2)).toEqual(['server', 'port'])
    expect(namesOf('smtp').slice(0, 4)).toEqual(['user', 'password', 'host', 'port'])
    for (const { type } of catalogue.searchCredentialTypes()) {
      const others = fieldsOf(type).filter(({ isInteger }) => !isInteger)
      const order = [...new Set(catalogue.credentialFields(type).map(({ name }) => name))]
      const positions = others.map(({ name }) => order.indexOf(name))
      expect(positions, type).toEqual(positions.toSorted((a, b) => a - b))
    }
  })

  test('list the choices that other fields depend on', () => {
    expect([...controllingNames(catalogue.credentialFields('postgres'))].toSorted()).toEqual([
      'allowUnauthorizedCerts',
      'sshAuthenticateWith',
      'sshTunnel',
    ])
    // Other fields depend on this text too, but text does not belong in the URL.
    expect(controllingNames(catalogue.credentialFields('slackApi')).has('signatureSecret')).toBe(false)
  })
})

const byForm = (a: string, b: string) =>
  ['host', 'port', 'password', 'ssl'].indexOf(a) - ['host', 'port', 'password', 'ssl'].indexOf(b)

describe('a posted form', () => {
  test('is parsed into n8n value types', () => {
    const typed = {
      host: ' db.example ',
      port: '5433',
      password: ' as typed ',
      sshTunnel: 'false',
      ssl: 'require',
    }
    expect(read('postgres', typed)).toEqual({
      data: { host: 'db.example', port: 5433, password: ' as typed ', sshTunnel: false, ssl: 'require' },
      errors: [],
    })
  })

  test('has numbers for numeric options', () => {
    expect(read('oracleDBApi', { privilege: '131072' }).data).toEqual({ privilege: 131_072 })
  })

  test('has no value for an empty, hidden, unknown or undisplayed field', () => {
    const typed = { host: '', sshHost: 'jump.example', wrong: 'x', __proto__: 'x', constructor: 'x' }
    expect(read('postgres', typed).data).toEqual({})
    expect(read('slackOAuth2Api', { accessTokenUrl: 'https://evil.example' }).data).toEqual({})
  })

  test('stores JSON from n8n’s editor as text, and token data as an object', () => {
    expect(read('httpCustomAuth', { json: '{\r\n"headers": {}}' }).data).toEqual({
      json: '{\n"headers": {}}',
    })
    expect(read('slackOAuth2Api', { oauthTokenData: '{"access_token":"t"}' }).data).toEqual({
      oauthTokenData: { access_token: 't' },
    })
    expect(read('httpMultipleHeadersAuth', { headers: '{"values":[]}' }).data).toEqual({
      headers: { values: [] },
    })
  })

  test('has LF line breaks in a key', () => {
    expect(read('sshPrivateKey', { privateKey: '-----BEGIN\r\nabc\r\n-----END\r\n' }).data).toEqual({
      privateKey: '-----BEGIN\nabc\n-----END\n',
    })
  })

  test.each(['{', 'nothing'])('reports the field of invalid JSON: %s', (json) => {
    expect(read('httpCustomAuth', { json }).errors).toEqual([
      { pointer: '/data/json', detail: 'must be valid JSON' },
    ])
  })
})

describe('the label', () => {
  test.each([
    ['accessToken', 'Access token'],
    ['apiKey', 'API key'],
    ['clientId', 'Client ID'],
    ['allowUnauthorizedCerts', 'Allow unauthorized certificates'],
    ['sshTunnel', 'SSH tunnel'],
    ['ssl', 'SSL'],
    ['oauthTokenData', 'OAuth token data'],
    ['s3Endpoint', 'S3 endpoint'],
    ['$weird', 'Weird'],
    ['_', '_'],
  ])('of %s is %s', (name, label) => {
    expect(fieldLabel(name)).toBe(label)
  })

  test.each<[unknown, string]>([
    ['authorizationCode', 'Authorization code'],
    ['disable', 'Disable'],
    ['us-east-1', 'us-east-1'],
    ['HS256', 'HS256'],
    ['7_4', '7_4'],
    ['eu', 'eu'],
    [32_768, '32768'],
  ])('of the option %s is %s', (value, label) => {
    expect(optionLabel(value)).toBe(label)
  })
})
