import { describe, expect, test } from 'vitest'
import { ConfigError, parseConfig } from '../src/config.ts'
import { testEnvironment } from './harness/app.ts'

const messageOf = (env: Record<string, string | undefined>) => {
  try {
    parseConfig(env)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as Error).message
  }
  return ''
}

describe('the configuration', () => {
  test('accepts the test environment and applies the documented defaults', () => {
    const config = parseConfig(testEnvironment())
    expect(config.quotas).toEqual({
      workflows: 10_000,
      credentials: 1000,
      instances: 20,
      deployments: 10_000,
      alertRules: 200,
      alertChannels: 20,
      apiTokens: 100,
    })
    expect(config).toMatchObject({ allowLoopbackInstances: false, corsOrigins: ['https://app.example.com'] })
  })

  test('lists all missing variables', () => {
    const message = messageOf({})
    for (const name of [
      'DATABASE_URL',
      'PUBLIC_URL',
      'CREDENTIAL_KEYS',
      'ACCESS_TOKEN_KEYS',
      'REFRESH_TOKEN_KEYS',
      'PASSWORD_PEPPERS',
      'FINGERPRINT_KEY',
    ]) {
      expect(message).toContain(`${name} is required`)
    }
  })

  const shortKey = JSON.stringify({ active: 'k1', keys: { k1: btoa('short') } })
  const zeroKey = JSON.stringify({ active: 'k1', keys: { k1: btoa('\0'.repeat(32)) } })
  const wrappedBy = (entry: object) => JSON.stringify({ active: 'k1', keys: { k1: entry } })
  const noActive = JSON.stringify({ active: 'k2', keys: { k1: btoa('0123456789abcdef0123456789abcdef') } })
  test.each([
    ['a short key', 'ACCESS_TOKEN_KEYS', shortKey],
    ['a key of zeros', 'CREDENTIAL_KEYS', zeroKey],
    ['an unknown active key', 'REFRESH_TOKEN_KEYS', noActive],
    ['invalid JSON', 'PASSWORD_PEPPERS', 'hunter2'],
    ['a path in a key ID', 'CREDENTIAL_KEYS', '{"active":"../x","keys":{"../x":"AAAA"}}'],
    [
      'a wrapped key of an unknown KMS',
      'CREDENTIAL_KEYS',
      wrappedBy({ kms: 'azure', ciphertext: 'hunter2' }),
    ],
    ['a wrapped key without a ciphertext', 'CREDENTIAL_KEYS', wrappedBy({ kms: 'aws', keyId: 'alias/a' })],
    ['an invalid KMS endpoint', 'GCP_KMS_URL', 'http://kms.example.com'],
    ['a short fingerprint key', 'FINGERPRINT_KEY', btoa('short')],
    ['another kind of database', 'DATABASE_URL', 'mysql://user:hunter2@host/db'],
    ['a public URL without a scheme', 'PUBLIC_URL', 'flowkeep.example.com'],
    ['a CORS origin with a path', 'CORS_ORIGINS', 'https://app.example.com/app'],
    ['a wildcard origin', 'CORS_ORIGINS', '*'],
    ['a negative quota', 'QUOTA_WORKFLOWS', '-1'],
  ])('rejects %s and names %s but not its value', (_, name, value) => {
    const message = messageOf(testEnvironment({ [name]: value }))
    expect(message).toContain(name)
    expect(message).not.toContain('hunter2')
    expect(message).not.toContain(btoa('short'))
  })

  test.each([
    ['aws', { kms: 'aws', keyId: 'alias/a', ciphertext: 'AAAA' }, 'AWS_ACCESS_KEY_ID'],
    [
      'gcp',
      { kms: 'gcp', key: 'projects/p/locations/l/keyRings/r/cryptoKeys/k', ciphertext: 'AAAA' },
      'GCP_SERVICE_ACCOUNT',
    ],
    [
      'vault',
      { kms: 'vault', url: 'https://vault.example.com', key: 'k', ciphertext: 'vault:v1:AAAA' },
      'VAULT_TOKEN',
    ],
  ])('a key wrapped by %s requires the credentials of the service', (kms, entry, variable) => {
    for (const [name, value] of [
      ['CREDENTIAL_KEYS', wrappedBy(entry)],
      ['FINGERPRINT_KEY', JSON.stringify(entry)],
    ] as const) {
      expect(messageOf(testEnvironment({ [name]: value }))).toContain(
        `${variable} is required: ${kms} wraps a key`,
      )
    }
    expect(messageOf(testEnvironment())).toBe('')
  })
})
