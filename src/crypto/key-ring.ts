/** @module Key rings: the active key seals or signs; all keys open or verify. */
import * as z from 'zod'
import { AppError } from '../errors.ts'
import { fromBase64 } from '../lib/encoding.ts'
import { sharedLoad } from '../lib/shared-load.ts'
import { type KeyBinding, type KmsSettings, WrappedKey } from './kms/wrapped-key.ts'

/** The settings that are key rings. */
export const ringNames = [
  'CREDENTIAL_KEYS',
  'ACCESS_TOKEN_KEYS',
  'REFRESH_TOKEN_KEYS',
  'PASSWORD_PEPPERS',
] as const
export type RingName = (typeof ringNames)[number]

type KeyBytes = Uint8Array<ArrayBuffer>

/** A key that a KMS unwraps on first use. All callers share one request. */
export interface LazyKey {
  readonly wrapped: WrappedKey
  /** @throws {AppError} `key-unavailable` */
  load(): Promise<KeyBytes>
}

export type RingKey = KeyBytes | LazyKey

export interface KeyRing {
  active: string
  keys: ReadonlyMap<string, RingKey>
}

/** A ring whose wrapped keys are not connected to their KMS. */
export interface ParsedRing {
  active: string
  keys: ReadonlyMap<string, KeyBytes | WrappedKey>
}

const keyBytes = 32

/** What is wrong with a key; undefined if it is usable. */
function keyProblem(bytes: KeyBytes | null): string | undefined {
  if (bytes?.length !== keyBytes) return `Use the base64 encoding of ${keyBytes} random bytes`
  return isRandom(bytes) ? undefined : 'It is not random. Generate one with openssl rand -base64 32'
}

/**
 * False for text, such as a password or hexadecimal digits, and for bytes that repeat or continue a sequence. Rejects fewer
 * than one of 100 million random keys.
 */
function isRandom(bytes: KeyBytes): boolean {
  if (isText(bytes)) return false
  let values = [...bytes]
  for (let order = 0; order <= 2; order += 1) {
    // Of 30 random bytes, 28 differ on average.
    if (new Set(values).size <= 16) return false
    values = values.slice(1).map((value, i) => (value - (values[i] ?? 0)) & 0xff)
  }
  return true
}

/** UTF-8 without control characters other than white space. */
function isText(bytes: KeyBytes): boolean {
  try {
    return !/[^\P{Cc}\s]/u.test(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return false
  }
}

const RingJson = z.strictObject({
  active: z.string(),
  keys: z.record(z.string(), z.union([z.string(), z.looseObject({})])),
})

/** `{"active":"k1","keys":{"k1":"<base64 of 32 bytes>"}}`, from an environment variable. A key may also be a `WrappedKey`. */
export const KeyRingText = z.string().transform((text, ctx): ParsedRing => {
  const fail = (message: string): never => {
    ctx.addIssue({ code: 'custom', message })
    return z.NEVER
  }
  let ring: z.infer<typeof RingJson>
  try {
    ring = RingJson.parse(JSON.parse(text))
  } catch {
    return fail('must be JSON such as {"active":"k1","keys":{"k1":"<base64 of 32 bytes>"}}')
  }
  const keys = new Map<string, KeyBytes | WrappedKey>()
  for (const [id, value] of Object.entries(ring.keys)) {
    if (!/^[a-z0-9]{1,16}$/.test(id))
      return fail('has an invalid key ID. Use 1 to 16 characters of a-z and 0-9')
    const key = parseKey(value)
    if (typeof key === 'string') return fail(`has an invalid key ${id}. ${key}`)
    keys.set(id, key)
  }
  if (!keys.has(ring.active)) return fail('does not contain its active key')
  return { active: ring.active, keys }
})

/** A key or what is wrong with it. */
function parseKey(value: unknown): KeyBytes | WrappedKey | string {
  if (typeof value === 'string') {
    const bytes = fromBase64(value)
    return keyProblem(bytes) ?? (bytes as KeyBytes)
  }
  const wrapped = WrappedKey.safeParse(value)
  if (wrapped.success) return wrapped.data
  const [issue] = wrapped.error.issues
  return `Its wrapped form is invalid at ${issue?.path.join('.') || 'kms'}. See docs/keys.md`
}

/** A key outside a ring: base64 of 32 bytes, or the JSON of a `WrappedKey`. */
export const KeyText = z.string().transform((text, ctx): KeyBytes | WrappedKey => {
  let value: unknown = text
  if (text.startsWith('{')) {
    try {
      value = JSON.parse(text)
    } catch {
      value = {}
    }
  }
  const key = parseKey(value)
  if (typeof key !== 'string') return key
  ctx.addIssue({ code: 'custom', message: `is invalid. ${key}` })
  return z.NEVER
})

/** Connects a ring's wrapped keys to their KMS. Sends nothing before a key is used. */
export const openRing = (name: string, { active, keys }: ParsedRing, settings: KmsSettings): KeyRing => ({
  active,
  keys: new Map([...keys].map(([id, key]) => [id, openKey({ ring: name, id }, key, settings)])),
})

export const openKey = (binding: KeyBinding, key: KeyBytes | WrappedKey, settings: KmsSettings): RingKey =>
  key instanceof Uint8Array ? key : lazyKey(binding, key, settings)

/** After a failure, requests fail without asking the KMS again for this long. */
const failureMs = 5_000

function lazyKey(binding: KeyBinding, wrapped: WrappedKey, settings: KmsSettings): LazyKey {
  let failed: { error: AppError; until: number } | undefined
  const load = sharedLoad(async () => {
    if (failed && Date.now() < failed.until) throw failed.error
    try {
      const { unwrapKey } = await import('./kms/services.ts')
      const bytes = await unwrapKey(wrapped, binding, settings)
      const problem = keyProblem(bytes)
      if (problem !== undefined) throw new Error(`the key is invalid. ${problem}`)
      return bytes
    } catch (error) {
      failed = { error: unavailable(binding, error), until: Date.now() + failureMs }
      throw failed.error
    }
  })
  return { wrapped, load }
}

function unavailable({ ring, id }: KeyBinding, error: unknown): AppError {
  const reason = error instanceof Error ? error.message : 'unknown error'
  return new AppError('key-unavailable', 'An encryption key is unavailable. Try again shortly', {
    retryAfterSeconds: failureMs / 1000,
    cause: new Error(`Key ${id} of ${ring} cannot be unwrapped: ${reason}`),
  })
}

export const bytesOf = async (key: RingKey): Promise<KeyBytes> =>
  key instanceof Uint8Array ? key : key.load()

/** For readiness: unwraps every key of the rings. @throws {AppError} `key-unavailable` */
export async function loadRings(rings: readonly KeyRing[]): Promise<void> {
  await Promise.all(rings.flatMap(({ keys }) => [...keys.values()].map(bytesOf)))
}
