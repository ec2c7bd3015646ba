/** @module Vault's transit engine, signed in with a token or an AppRole. */
import * as z from 'zod'
import { textToBase64, toBase64 } from '../../lib/encoding.ts'
import { callKms, decodeKey } from './request.ts'
import type { KeyBinding, KeyWrapper, KmsSettings, WrappingKey } from './wrapped-key.ts'

const service = 'Vault'

export function vaultKms(settings: KmsSettings): KeyWrapper<'vault'> {
  function post<T>(url: string, token: string | null, body: object, schema: z.ZodType<T>): Promise<T> {
    const headers = {
      'Content-Type': 'application/json',
      ...(token !== null && { 'X-Vault-Token': token }),
      ...(settings.VAULT_NAMESPACE && { 'X-Vault-Namespace': settings.VAULT_NAMESPACE }),
    }
    return callKms(
      service,
      schema,
      () => new Request(url, { method: 'POST', headers, body: JSON.stringify(body) }),
    )
  }

  async function tokenFor(url: string): Promise<string> {
    const { VAULT_ROLE_ID: role_id, VAULT_SECRET_ID: secret_id } = settings
    if (!role_id) return settings.VAULT_TOKEN ?? ''
    const schema = z.object({ auth: z.object({ client_token: z.string() }) })
    const { auth } = await post(`${url}/v1/auth/approle/login`, null, { role_id, secret_id }, schema)
    return auth.client_token
  }

  async function call<T>(
    operation: string,
    by: WrappingKey<'vault'>,
    body: object,
    schema: z.ZodType<T>,
  ): Promise<T> {
    const { url, key, mount = 'transit' } = by
    const token = await tokenFor(url)
    const { data } = await post(
      `${url}/v1/${mount}/${operation}/${key}`,
      token,
      body,
      z.object({ data: schema }),
    )
    return data
  }

  return {
    async wrap(by, bytes, binding) {
      const body = { plaintext: toBase64(bytes), ...boundTo(binding) }
      const { ciphertext } = await call('encrypt', by, body, z.object({ ciphertext: z.string() }))
      return { ...by, ciphertext }
    },

    async unwrap({ ciphertext, ...by }, binding) {
      const body = { ciphertext, ...boundTo(binding) }
      const { plaintext } = await call('decrypt', by, body, z.object({ plaintext: z.string() }))
      return decodeKey(service, plaintext)
    },
  }
}

/** Vault authenticates `associated_data` with every key, and requires `context` for keys with `derived=true`. */
function boundTo({ ring, id }: KeyBinding) {
  const text = textToBase64(JSON.stringify(['flowkeep', ring, id]))
  return { associated_data: text, context: text }
}
