/**
 * @module Seals values as flattened JWE JSON (RFC 7516 §7.2.2): A256CBC-HS512 (RFC 7518 §5.2.5) under a new content key
 * for each write, wrapped with A256KW by a ring key. The additional authenticated data is computed from the row and
 * never stored, so a box that is copied to another row, owner or type does not open.
 */
import { base64url, FlattenedEncrypt, flattenedDecrypt } from 'jose'
import * as z from 'zod'
import { AppError } from '../errors.ts'
import { isCanonicalBase64url } from '../lib/encoding.ts'
import { importKeys } from './imported-keys.ts'
import type { KeyRing } from './key-ring.ts'

const Segment = z.string().min(1).refine(isCanonicalBase64url)

const SealedBox = z.strictObject({
  protected: Segment,
  header: z.strictObject({ alg: z.literal('A256KW'), kid: z.string().min(1) }),
  encrypted_key: Segment,
  iv: Segment,
  ciphertext: Segment,
  tag: Segment,
})

/** The stored form. `header` is not authenticated; a key rotation reads the key ID from it in SQL. */
export type SealedBox = z.infer<typeof SealedBox>

/** Owner and purpose of a box. It opens only with the context that sealed it. */
export interface SecretContext {
  purpose:
    | 'n8n-credential'
    | 'n8n-api-key'
    | 'alert-channel'
    | 'execution-values'
    | 'totp'
    | 'key-check'
    | 'form-draft'
  userId: string
  rowId: string
  /** The n8n credential type; a constant for other purposes. */
  type: string
  /** Scheme, host and port of the only server that may receive the secret. */
  origin?: string
}

export interface SecretBox {
  readonly activeKeyId: string
  /** `value` is any JSON value. */
  seal(context: SecretContext, value: unknown): Promise<SealedBox>
  /**
   * @throws {AppError} `key-unavailable` when the ring does not contain the box's key, `credential-undecryptable` with
   * the same message for every other cause
   */
  open(context: SecretContext, box: unknown): Promise<unknown>
  /**
   * Seals the same value under the active key and a new content key.
   * @throws {AppError} as `open`
   */
  rewrap(context: SecretContext, box: unknown): Promise<SealedBox>
}

/** Plaintexts are padded to a multiple of this, to hide their length. */
const paddingBytes = 64

export function createSecretBox(ring: KeyRing): SecretBox {
  const keyOf = importKeys(ring, 'AES-KW', ['wrapKey', 'unwrapKey'])
  const encoder = new TextEncoder()

  function authenticatedData({
    purpose,
    userId,
    rowId,
    type,
    origin,
  }: SecretContext): Uint8Array<ArrayBuffer> {
    const parts = ['v1', purpose, userId, rowId, type]
    return encoder.encode(JSON.stringify(origin === undefined ? parts : [...parts, origin]))
  }

  async function sealBytes(context: SecretContext, plaintext: Uint8Array): Promise<SealedBox> {
    const key = await keyOf(ring.active)
    if (!key) throw keyUnavailable()
    const jwe = await new FlattenedEncrypt(plaintext)
      .setProtectedHeader({ enc: 'A256CBC-HS512', typ: 'flowkeep+jwe' })
      .setUnprotectedHeader({ alg: 'A256KW', kid: ring.active })
      .setAdditionalAuthenticatedData(authenticatedData(context))
      .encrypt(key)
    // jose also returns the authenticated data. Storing it would let a copied box open elsewhere.
    const { aad: _, ...stored } = jwe
    return SealedBox.parse(stored)
  }

  async function openBytes(context: SecretContext, box: unknown): Promise<Uint8Array> {
    const parsed = SealedBox.safeParse(box)
    if (!parsed.success) throw undecryptable()
    const { header, ...segments } = parsed.data
    const key = await keyOf(header.kid)
    if (!key) throw keyUnavailable()
    try {
      const { plaintext } = await flattenedDecrypt(
        { ...segments, header: { alg: 'A256KW' }, aad: base64url.encode(authenticatedData(context)) },
        key,
        { keyManagementAlgorithms: ['A256KW'], contentEncryptionAlgorithms: ['A256CBC-HS512'] },
      )
      return plaintext
    } catch {
      throw undecryptable()
    }
  }

  return {
    activeKeyId: ring.active,

    async seal(context, value) {
      const text = JSON.stringify(value)
      if (text === undefined) throw new TypeError('Only JSON values can be sealed')
      const bytes = encoder.encode(text)
      const padded = new Uint8Array(Math.ceil(bytes.length / paddingBytes) * paddingBytes).fill(0x20)
      padded.set(bytes)
      return sealBytes(context, padded)
    },

    async open(context, box) {
      const plaintext = await openBytes(context, box)
      try {
        return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(plaintext))
      } catch {
        throw undecryptable()
      }
    },

    rewrap: async (context, box) => sealBytes(context, await openBytes(context, box)),
  }
}

// Omits the cause, because a parser's message can quote its input.
const undecryptable = () =>
  new AppError('credential-undecryptable', 'The stored secret cannot be decrypted. Enter it again')

const keyUnavailable = () =>
  new AppError('key-unavailable', 'The key of the stored secret is unavailable. Try again shortly', {
    retryAfterSeconds: 30,
  })
