import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { unwrapKey } from '../../../src/crypto/kms/services.ts'
import { kmsNames, type KmsName, type KmsSettings, WrappedKey } from '../../../src/crypto/kms/wrapped-key.ts'
import { fakeAws } from '../../harness/kms/aws.ts'
import { type FakeKms, fakeKms, wrapWith } from '../../harness/kms/services.ts'
import { fakeVault } from '../../harness/kms/vault.ts'

const binding = { ring: 'CREDENTIAL_KEYS', id: 'k2' }
const newKey = () => crypto.getRandomValues(new Uint8Array(32))

describe.each(kmsNames)('%s', (kms) => {
  let fake: FakeKms
  beforeEach(async () => {
    fake = await fakeKms(kms)
  })
  afterEach(() => fake.close())

  const unwrap = (wrapped: WrappedKey, where = binding, settings = fake.settings) =>
    unwrapKey(wrapped, where, settings)

  test('unwraps what it wrapped, and the entry is valid in a ring', async () => {
    const key = newKey()
    const wrapped = await wrapWith(fake, key, binding)
    expect(WrappedKey.parse(JSON.parse(JSON.stringify(wrapped)))).toEqual(wrapped)
    expect(JSON.stringify(wrapped)).not.toContain(Buffer.from(key).toString('base64'))
    expect(await unwrap(wrapped)).toEqual(key)
  })

  test('does not unwrap a key that was moved to another ring or ID, or that another KMS key wrapped', async () => {
    const wrapped = await wrapWith(fake, newKey(), binding)
    await expect(unwrap(wrapped, { ...binding, ring: 'PASSWORD_PEPPERS' })).rejects.toThrow('status 400')
    await expect(unwrap(wrapped, { ...binding, id: 'k1' })).rejects.toThrow('status 400')
    const otherKey = await wrapWith(fake, newKey(), binding, fake.otherKeyId)
    await expect(unwrap({ ...wrapped, ciphertext: otherKey.ciphertext })).rejects.toThrow('status 400')
  })

  test('rejects wrong credentials without retrying, and its errors contain no secret', async () => {
    const key = newKey()
    const wrapped = await wrapWith(fake, key, binding)
    const stranger = await fakeKms(kms)
    await stranger.close()
    const settings: KmsSettings = {
      ...stranger.settings,
      ...(kms === 'aws' && {
        AWS_ACCESS_KEY_ID: fake.settings.AWS_ACCESS_KEY_ID,
        AWS_ENDPOINT_URL_KMS: fake.url,
      }),
      ...(kms === 'gcp' && {
        GCP_KMS_URL: fake.url,
        GCP_SERVICE_ACCOUNT: stranger.settings.GCP_SERVICE_ACCOUNT?.replaceAll(stranger.url, fake.url),
      }),
    }
    fake.requests.length = 0
    const error = await unwrap(wrapped, binding, settings).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'KmsError', isTransient: false })
    const { message } = error as Error
    expect(message).toMatch(/InvalidSignatureException|invalid_grant|permission denied/)
    expect(message).toMatch(/^[\w ().]{1,120}$/)
    expect(fake.requests).toHaveLength(1)
  })

  test.each([
    ['a lost connection', null],
    ['status 503', { status: 503, body: {} }],
    ['status 429', { status: 429, body: {} }],
    ['throttling by AWS', { status: 400, body: { __type: 'com.amazonaws.kms#ThrottlingException' } }],
  ])('retries after %s', async (_, fault) => {
    const key = newKey()
    const wrapped = await wrapWith(fake, key, binding)
    fake.faults.push(fault, fault)
    expect(await unwrap(wrapped)).toEqual(key)
  })

  test('gives up after three attempts', async () => {
    const wrapped = await wrapWith(fake, newKey(), binding)
    fake.requests.length = 0
    fake.faults.push(null, null, null, null)
    await expect(unwrap(wrapped)).rejects.toThrow('is unreachable')
    expect(fake.requests).toHaveLength(3)
  })

  test('rejects a response without a key', async () => {
    const wrapped = await wrapWith(fake, newKey(), binding)
    fake.faults.push({ status: 200, body: { unexpected: true } })
    await expect(unwrap(wrapped)).rejects.toThrow('returned an unexpected response')
  })
})

test('AWS: signs with the session token of temporary credentials', async () => {
  const fake = await fakeAws({ sessionToken: 'IQoJb3JpZ2luX2VjEXAMPLE/+=' })
  try {
    const key = newKey()
    const wrapped = await wrapWith({ ...fake, kms: 'aws' }, key, binding)
    expect(await unwrapKey(wrapped, binding, fake.settings)).toEqual(key)
    const without = { ...fake.settings, AWS_SESSION_TOKEN: undefined }
    await expect(unwrapKey(wrapped, binding, without)).rejects.toThrow('UnrecognizedClientException')
  } finally {
    await fake.close()
  }
})

test('AWS: an alias needs AWS_REGION', async () => {
  const wrapped: WrappedKey = { kms: 'aws', keyId: 'alias/flowkeep', ciphertext: 'AAAA' }
  const settings = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }
  await expect(unwrapKey(wrapped, binding, settings)).rejects.toThrow('AWS_REGION is required')
})

test('Vault: signs in with an AppRole in a namespace', async () => {
  const fake = await fakeVault({ namespace: 'team/flowkeep' })
  try {
    const key = newKey()
    const vault = { ...fake, kms: 'vault', settings: fake.appRole } as const
    const wrapped = await wrapWith(vault, key, binding)
    expect(await unwrapKey(wrapped, binding, fake.appRole)).toEqual(key)
    const wrong = { ...fake.appRole, VAULT_SECRET_ID: crypto.randomUUID() }
    await expect(unwrapKey(wrapped, binding, wrong)).rejects.toThrow('invalid role or secret ID')
  } finally {
    await fake.close()
  }
})

describe('entries', () => {
  const valid: Record<KmsName, object> = {
    aws: { kms: 'aws', keyId: 'alias/flowkeep', ciphertext: 'AAAA' },
    gcp: { kms: 'gcp', key: 'projects/p/locations/l/keyRings/r/cryptoKeys/k', ciphertext: 'AAAA' },
    vault: { kms: 'vault', url: 'https://vault.example.com/', key: 'flowkeep', ciphertext: 'vault:v1:AAAA' },
  }
  test.each(kmsNames)('of %s are valid', (kms) => {
    expect(WrappedKey.safeParse(valid[kms]).success).toBe(true)
  })

  test.each([
    ['an unknown service', { ...valid.aws, kms: 'azure' }],
    ['Vault over HTTP', { ...valid.vault, url: 'http://vault.example.com' }],
    ['a path in a Vault key', { ...valid.vault, key: '../sys/seal' }],
    ['a query in a Google key', { ...valid.gcp, key: 'projects/p/locations/l/keyRings/r/cryptoKeys/k?x' }],
    ['an extra member', { ...valid.aws, key: 'x' }],
    ['no ciphertext', { ...valid.aws, ciphertext: '' }],
  ])('with %s are invalid', (_, entry) => {
    expect(WrappedKey.safeParse(entry).success).toBe(false)
  })
})
