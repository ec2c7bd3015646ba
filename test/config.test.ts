import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { ConfigError, parseConfig } from '../src/config.ts'
import { KeyText } from '../src/crypto/key-ring.ts'
import { testEnvironment } from './harness/app.ts'

const randomKey = () => randomBytes(32).toString('base64')

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
      versions: 20_000,
      storedBytes: 4096 * 1024 * 1024,
    })
    expect(config.rates).toEqual({ read: 120_000, write: 30_000, heavy: 6_000, outgoing: 600 })
    expect(config).toMatchObject({ allowLoopbackInstances: false, corsOrigins: ['https://app.example.com'] })
  })

  const range = 'https://passwords.example.com/range'
  test.each([
    [undefined, undefined],
    ['', undefined],
    ['false', undefined],
    ['true', 'https://api.pwnedpasswords.com/range'],
    [range, range],
    [`${range}/`, range],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
  ])('reads %j as the API of breached passwords %j', (value, url) => {
    const env = testEnvironment(value === undefined ? {} : { PASSWORD_BREACH_CHECK: value })
    expect(parseConfig(env).passwordBreachCheck).toBe(url)
  })

  test.each(['http://passwords.example.com/range', 'yes', 'ftp://127.0.0.1'])(
    'rejects %j as the API of breached passwords',
    (value) => {
      const message = messageOf(testEnvironment({ PASSWORD_BREACH_CHECK: value }))
      expect(message).toContain('PASSWORD_BREACH_CHECK must be true, false or an HTTPS URL')
    },
  )

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
  const noActive = JSON.stringify({ active: 'k2', keys: { k1: randomKey() } })
  test.each([
    ['a short key', 'ACCESS_TOKEN_KEYS', shortKey],
    ['a key of zeros', 'CREDENTIAL_KEYS', zeroKey],
    ['an unknown active key', 'REFRESH_TOKEN_KEYS', noActive],
    ['a public URL without encryption', 'PUBLIC_URL', 'http://hunter2.example.com'],
    ['a private address without encryption', 'PUBLIC_URL', 'http://10.0.0.4:8787'],
    ['a name in a private network without encryption', 'PUBLIC_URL', 'http://hunter2.internal'],
    ['every address', 'PUBLIC_URL', 'http://0.0.0.0:8787'],
    ['a host that only looks like loopback', 'PUBLIC_URL', 'http://127.0.0.1.example.com'],
    ['loopback instances at a public URL', 'ALLOW_LOOPBACK_INSTANCES', 'true'],
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
    ['a metrics token that can be guessed', 'METRICS_TOKEN', 'hunter2-hunter2'],
    ['a sender with another header', 'MAIL_FROM', 'hunter2\r\nBcc: eve@example.com'],
    [
      'a header of the collector with another one',
      'OTEL_EXPORTER_OTLP_HEADERS',
      'authorization=hunter2%0d%0aHost:%20eve.example',
    ],
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

  test.each(['http://localhost:8787', 'http://flowkeep.localhost', 'http://127.0.0.1', 'http://[::1]:8787/'])(
    'accepts %s, also with loopback instances',
    (url) => {
      const env = testEnvironment({ PUBLIC_URL: url, ALLOW_LOOPBACK_INSTANCES: 'true' })
      expect(parseConfig(env)).toMatchObject({
        publicUrl: url.replace(/\/$/, ''),
        allowLoopbackInstances: true,
      })
    },
  )
})

const ring = (...keys: string[]) =>
  JSON.stringify({ active: 'k1', keys: Object.fromEntries(keys.map((key, i) => [`k${i + 1}`, key])) })
const rings = ['CREDENTIAL_KEYS', 'ACCESS_TOKEN_KEYS', 'REFRESH_TOKEN_KEYS', 'PASSWORD_PEPPERS']

describe('a key that is used twice', () => {
  const pairs = rings.flatMap((one, i) => rings.slice(i + 1).map((other) => [one, other] as const))
  test.each(pairs)('in %s and %s, active or not', (one, other) => {
    const key = randomKey()
    for (const [first, second] of [
      [ring(key), ring(key)],
      [ring(randomKey(), key), ring(key)],
      [ring(randomKey(), key), ring(randomKey(), key)],
    ] as const) {
      const message = messageOf(testEnvironment({ [one]: first, [other]: second }))
      expect(message).toContain(`${other} contains the same key as ${one} (k`)
      expect(message).toContain('openssl rand -base64 32')
      expect(message).not.toContain(key)
    }
  })

  test.each(rings)('in %s under two IDs, or as FINGERPRINT_KEY', (name) => {
    const key = randomKey()
    expect(messageOf(testEnvironment({ [name]: ring(key, key) }))).toContain(
      `${name} contains the same key as ${name} (k1)`,
    )
    expect(messageOf(testEnvironment({ [name]: ring(key), FINGERPRINT_KEY: key }))).toContain(
      `FINGERPRINT_KEY contains the same key as ${name} (k1)`,
    )
  })
})

describe('a key that is not random', () => {
  const bytes = (at: (i: number) => number) =>
    Buffer.from(Array.from({ length: 32 }, (_, i) => at(i) & 0xff)).toString('base64')
  const text = (value: string) => Buffer.from(value).toString('base64')
  test.each([
    ['a passphrase', text('correct horse battery staple 123')],
    ['hexadecimal digits', text('9f86d081884c7d659a2feaa0c55ad015')],
    ['letters and digits', text('hT7xQ2vLm9Zr4KcW8yBnP3sDfG6jA1eU')],
    ['text with a line break', text('q8Zk2mVw7RtY4pLx9NbC3sHd6FgJ1aE\n')],
    ['text in another script', text('парольпарольпаро')],
    ['zeros', bytes(() => 0)],
    ['one byte', bytes(() => 0xa7)],
    ['two bytes in turn', bytes((i) => (i % 2 === 0 ? 0xa7 : 0x3c))],
    ['eight bytes, repeated', bytes((i) => 151 * (i % 8) + 200)],
    ['sixteen bytes, repeated', bytes((i) => 97 * (i % 16) ** 3 + 201)],
    ['counting up', bytes((i) => i)],
    ['counting down', bytes((i) => 255 - i)],
    ['counting from 0xf0', bytes((i) => 0xf0 + i)],
    ['counting in steps of 37', bytes((i) => 11 + 37 * i)],
    ['squares', bytes((i) => i * i)],
    ['mostly zeros', bytes((i) => (i > 24 ? 31 * i : 0))],
  ])('%s', (_, key) => {
    for (const name of rings) {
      for (const value of [ring(key), ring(randomKey(), key)]) {
        const message = messageOf(testEnvironment({ [name]: value }))
        expect(message).toMatch(new RegExp(`${name} .*openssl rand -base64 32`))
        expect(message).not.toContain(key)
      }
    }
    expect(messageOf(testEnvironment({ FINGERPRINT_KEY: key }))).toContain('FINGERPRINT_KEY is invalid')
  })

  test('10,000 random keys are accepted', () => {
    for (let i = 0; i < 10_000; i += 1) expect(KeyText.safeParse(randomKey()).success).toBe(true)
  })
})
