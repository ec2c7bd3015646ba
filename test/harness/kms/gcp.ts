/** @module A fake Google token endpoint and Cloud KMS. Verifies the signed assertion and the access token. */
import { createVerify, generateKeyPairSync, randomBytes } from 'node:crypto'
import type { KmsSettings } from '../../../src/crypto/kms/wrapped-key.ts'
import { type FakeServer, jsonOf, type KmsAnswer, opened, sealed, serve } from './server.ts'

export interface FakeGcp extends FakeServer {
  keyId: string
  otherKeyId: string
  settings: KmsSettings
}

const scope = 'https://www.googleapis.com/auth/cloudkms'
const fail = (code: number, status: string, message: string): KmsAnswer => ({
  status: code,
  body: { error: { code, message, status } },
})
const invalidGrant = (description: string): KmsAnswer => ({
  status: 400,
  body: { error: 'invalid_grant', error_description: description },
})

export async function fakeGcp(): Promise<FakeGcp> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const account = 'flowkeep@example-project.iam.gserviceaccount.com'
  const keyName = (name: string) =>
    `projects/example-project/locations/europe-west3/keyRings/flowkeep/cryptoKeys/${name}`
  const [keyId, otherKeyId] = [keyName('rings'), keyName('other')]
  const keys = new Map([keyId, otherKeyId].map((name) => [name, randomBytes(32)]))
  const tokens = new Set<string>()

  function token(form: URLSearchParams, url: string): KmsAnswer {
    if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') {
      return { status: 400, body: { error: 'unsupported_grant_type' } }
    }
    const [header = '', payload = '', signature = '', ...rest] = (form.get('assertion') ?? '').split('.')
    const decode = (part: string) => jsonOf(Buffer.from(part, 'base64url').toString())
    const [head, claims] = [decode(header), decode(payload)]
    if (
      rest.length > 0 ||
      head?.['alg'] !== 'RS256' ||
      head['typ'] !== 'JWT' ||
      head['kid'] !== 'key-1' ||
      !claims
    ) {
      return invalidGrant('Invalid JWT')
    }
    const isGenuine = createVerify('RSA-SHA256')
      .update(`${header}.${payload}`)
      .verify(publicKey, Buffer.from(signature, 'base64url'))
    if (!isGenuine) return invalidGrant('Invalid JWT Signature.')
    const [now, issuedAt, expiresAt] = [Date.now() / 1000, Number(claims['iat']), Number(claims['exp'])]
    const isCurrent = issuedAt <= now + 60 && expiresAt > now && expiresAt - issuedAt <= 3600
    if (!isCurrent) return invalidGrant('Invalid JWT: Token must be a short-lived token')
    if (claims['iss'] !== account || claims['aud'] !== `${url}/token`)
      return invalidGrant('Invalid JWT audience')
    if (claims['scope'] !== scope) return { status: 400, body: { error: 'invalid_scope' } }
    const access_token = `ya29.${randomBytes(24).toString('base64url')}`
    tokens.add(access_token)
    return { status: 200, body: { access_token, expires_in: 3599, token_type: 'Bearer' } }
  }

  const server = await serve(({ method, path, headers, body }) => {
    if (method === 'POST' && path === '/token') return token(new URLSearchParams(body), server.url)
    const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1]
    if (!bearer || !tokens.has(bearer)) {
      return fail(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.')
    }
    const [, name = '', operation] = /^\/v1\/(.+):(encrypt|decrypt)$/.exec(path) ?? []
    const key = keys.get(name)
    if (method !== 'POST' || !key) return fail(404, 'NOT_FOUND', `CryptoKey ${name} not found.`)
    const { plaintext, ciphertext, additionalAuthenticatedData } = jsonOf(body) ?? {}
    if (typeof additionalAuthenticatedData !== 'string')
      return fail(400, 'INVALID_ARGUMENT', 'No authenticated data')
    if (operation === 'encrypt') {
      const sealedText = sealed(key, Buffer.from(String(plaintext), 'base64'), additionalAuthenticatedData)
      return { status: 200, body: { name: `${name}/cryptoKeyVersions/1`, ciphertext: sealedText } }
    }
    const bytes = opened(key, String(ciphertext), additionalAuthenticatedData)
    return bytes
      ? { status: 200, body: { plaintext: bytes.toString('base64') } }
      : fail(400, 'INVALID_ARGUMENT', 'Decryption failed: the ciphertext is invalid.')
  })
  const serviceAccount = {
    type: 'service_account',
    client_email: account,
    private_key_id: 'key-1',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    token_uri: `${server.url}/token`,
  }
  return {
    ...server,
    keyId,
    otherKeyId,
    settings: { GCP_SERVICE_ACCOUNT: JSON.stringify(serviceAccount), GCP_KMS_URL: server.url },
  }
}
