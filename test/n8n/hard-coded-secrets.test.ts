import { describe, expect, test } from 'vitest'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import { findHardCodedSecrets } from '../../src/n8n/checks/hard-coded-secrets.ts'
import { extractMetadata } from '../../src/n8n/reading/metadata.ts'

const catalogue = await loadCatalogue()
const random = 'q7Zr4Tn8Wb2Kx5Lm9Pd3Hs6Vf1Gc0Jy7Ae4Ru8'
const header = (name: string, value: string) => ({
  parameters: { headerParameters: { parameters: [{ name, value }] } },
})
const HEADER_PATH = 'parameters.headerParameters.parameters[0].value'

describe('finds', () => {
  test.each<[string, string]>([
    ['a bearer token', `Bearer ${random}`],
    ['a bearer token', `=Bearer ${random}`],
    ['a bearer token', `curl -H "Authorization: bearer ${random}"`],
    ['an API key (sk-…)', `const key = 'sk-${random}'`],
    ['an API key (sk-…)', `sk-proj-${random}`],
    ['an AWS access key', 'AKIAIOSFODNN7ABCDEFG'],
    ['a Google API key', `AIza${random.slice(0, 35)}`],
    ['a GitHub token', `ghp_${random}`],
    ['a GitHub token', `github_pat_${random}`],
    ['a Slack token', `xoxb-${random}`],
    ['a private key', '-----BEGIN RSA PRIVATE KEY-----\nMIIE'],
    ['a private key', '-----BEGIN PRIVATE KEY-----'],
    ['a JSON web token', 'x=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln'],
    ['a password in a URL', `postgres://admin:${random}@db.test/x`],
    ['a secret in a URL', `https://api.test/x?limit=5&api_key=${random}`],
    ['a secret in a URL', `https://api.test/x?key=${random}`],
  ])('%s in %s', (kind, text) => {
    expect(findHardCodedSecrets({ parameters: { code: text } })).toEqual([{ path: 'parameters.code', kind }])
  })

  test.each([
    'Authorization',
    'X-API-Key',
    'x-auth-token',
    'apikey',
    'client_secret',
    'PASSWORD',
    'cookie',
    'key',
  ])('a literal in the header or query parameter %s', (name) => {
    expect(findHardCodedSecrets(header(name, random))).toEqual([{ path: HEADER_PATH, kind: 'a secret' }])
  })

  test('a literal in a parameter with the name of a secret', () => {
    expect(findHardCodedSecrets({ parameters: { apiKey: random } })).toEqual([
      { path: 'parameters.apiKey', kind: 'a secret' },
    ])
  })
})

describe('ignores', () => {
  test.each([
    'Bearer {{ $json.token }}',
    '=Bearer {{ $json.token }}',
    'Bearer YOUR_API_KEY_GOES_HERE',
    'Bearer <your-token-in-here>',
    'sk-xxxxxxxxxxxxxxxxxxxxxxxxxx',
    'sk-learn',
    'https://api.test/x?key={{ $json.key }}',
    'https://api.test/x?api_key=YOUR_API_KEY',
    'postgres://user:password@db.test/x',
    'https://host:8080/path@5',
    'the task-management-of-everything-today',
    'eyJ.eyJ.x',
    'nothing to see',
  ])('in %s', (text) => {
    expect(findHardCodedSecrets({ parameters: { code: text } })).toEqual([])
  })

  test.each([
    ['Authorization', '={{ $json.token }}'],
    ['Authorization', 'YOUR_TOKEN_HERE'],
    ['X-API-Key', 'short'],
    ['Content-Type', 'application/json'],
    ['pageToken', random],
    ['maxTokens', '1000000000'],
  ])('in the header %s: %s', (name, value) => {
    expect(findHardCodedSecrets(header(name, value))).toEqual([])
  })

  test('in the key of a data field', () => {
    expect(findHardCodedSecrets({ parameters: { values: [{ key: 'num_followers' }] } })).toEqual([])
  })
})

test('a warning contains the location but never the secret', () => {
  const canary = `sk-canary${random}`
  const node = {
    name: 'Call',
    type: 'n8n-nodes-base.code',
    typeVersion: 2,
    ...header('X-Key', `Bearer ${canary}`),
  }
  const metadata = extractMetadata({ nodes: [node] }, catalogue)
  expect(metadata.warnings).toContainEqual({
    code: 'hard-coded-secret',
    message: `${HEADER_PATH} looks like a bearer token. Store it in a credential`,
    node: 'Call',
  })
  expect(JSON.stringify(metadata)).not.toContain(canary)
})

test('limits the number of findings', () => {
  const parameters = Object.fromEntries(
    Array.from({ length: 100 }, (_, index) => [`p${index}`, `ghp_${random}`]),
  )
  expect(findHardCodedSecrets({ parameters })).toHaveLength(20)
})

test.each([
  'Bearer ',
  'Bearer a',
  'sk-',
  'sk-a.',
  'AKIA',
  'ghp_',
  'xoxb-',
  '-----BEGIN ',
  'eyJ',
  'eyJ-',
  'eyJabcdefgh.',
  '://',
  '://a:',
  '://a:b',
  '?',
  '?a',
  '&key=',
  '?token=x',
  ' ',
  'a',
  '.',
])('scans 2 MB of %j', (piece) => {
  const text = piece.repeat(Math.ceil(2_000_000 / piece.length))
  expect(findHardCodedSecrets({ parameters: { text } }).length).toBeLessThan(2)
})

test('the name of a credential type is not a secret', () => {
  expect(findHardCodedSecrets({ extendsCredential: 'microsoftSharePointOAuth2Api' })).toEqual([])
})
