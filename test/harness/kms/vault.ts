/** @module A fake Vault: the transit engine at `transit/`, tokens and AppRole logins. */
import { randomBytes } from 'node:crypto'
import type { KmsSettings } from '../../../src/crypto/kms/wrapped-key.ts'
import { type FakeServer, jsonOf, type KmsAnswer, opened, sealed, serve } from './server.ts'

export interface FakeVault extends FakeServer {
  keyId: string
  otherKeyId: string
  settings: KmsSettings
  appRole: KmsSettings
}

const fail = (status: number, ...errors: string[]): KmsAnswer => ({ status, body: { errors } })

export async function fakeVault({ namespace }: { namespace?: string } = {}): Promise<FakeVault> {
  const root = `hvs.${randomBytes(18).toString('base64url')}`
  const role = { role_id: crypto.randomUUID(), secret_id: crypto.randomUUID() }
  const tokens = new Set([root])
  const [keyId, otherKeyId] = ['flowkeep', 'other']
  const keys = new Map([keyId, otherKeyId].map((name) => [name, randomBytes(32)]))

  const server = await serve(({ method, path, headers, body }) => {
    if (headers['x-vault-namespace'] !== namespace) return fail(404, 'no handler for route')
    const input = jsonOf(body)
    if (method !== 'POST' || !input) return fail(405)
    if (path === '/v1/auth/approle/login') {
      if (input['role_id'] !== role.role_id || input['secret_id'] !== role.secret_id) {
        return fail(400, 'invalid role or secret ID')
      }
      const client_token = `hvs.${randomBytes(18).toString('base64url')}`
      tokens.add(client_token)
      return { status: 200, body: { auth: { client_token, lease_duration: 3600, token_type: 'service' } } }
    }
    if (!tokens.has(String(headers['x-vault-token']))) return fail(403, 'permission denied')
    const [, operation, name = ''] = /^\/v1\/transit\/(encrypt|decrypt)\/([\w.-]+)$/.exec(path) ?? []
    const key = keys.get(name)
    if (!operation) return fail(404, 'no handler for route')
    if (!key) return fail(400, 'encryption key not found')
    const { plaintext, ciphertext, associated_data, context } = input
    if (typeof associated_data !== 'string' || context !== associated_data) {
      return fail(400, "missing 'context' for key derivation; the key was created using a derived key")
    }
    if (operation === 'encrypt') {
      const text = sealed(key, Buffer.from(String(plaintext), 'base64'), associated_data)
      return { status: 200, body: { data: { ciphertext: `vault:v1:${text}`, key_version: 1 } } }
    }
    const [, text] = /^vault:v1:(.+)$/.exec(String(ciphertext)) ?? []
    if (!text) return fail(400, 'invalid ciphertext: no prefix')
    const bytes = opened(key, text, associated_data)
    return bytes
      ? { status: 200, body: { data: { plaintext: bytes.toString('base64') } } }
      : fail(400, 'cipher: message authentication failed')
  })
  const namespaced = { VAULT_NAMESPACE: namespace }
  return {
    ...server,
    keyId,
    otherKeyId,
    settings: { VAULT_TOKEN: root, ...namespaced },
    appRole: { VAULT_ROLE_ID: role.role_id, VAULT_SECRET_ID: role.secret_id, ...namespaced },
  }
}
