/** @module Key rings: the active key seals or signs; all keys open or verify. */
import { fromBase64 } from '../lib/encoding.ts'
import * as z from 'zod'

export interface KeyRing {
  active: string
  keys: ReadonlyMap<string, Uint8Array<ArrayBuffer>>
}

const keyBytes = 32

/** `{"active":"k1","keys":{"k1":"<base64 of 32 bytes>"}}`, from an environment variable. */
export const KeyRingText = z.string().transform((text, ctx): KeyRing => {
  const fail = (message: string): never => {
    ctx.addIssue({ code: 'custom', message })
    return z.NEVER
  }
  let ring: { active: string; keys: Record<string, string> }
  try {
    ring = z
      .strictObject({ active: z.string(), keys: z.record(z.string(), z.string()) })
      .parse(JSON.parse(text))
  } catch {
    return fail('must be JSON such as {"active":"k1","keys":{"k1":"<base64 of 32 bytes>"}}')
  }
  const keys = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const [id, value] of Object.entries(ring.keys)) {
    if (!/^[a-z0-9]{1,16}$/.test(id))
      return fail('has an invalid key ID. Use 1 to 16 characters of a-z and 0-9')
    const bytes = fromBase64(value)
    if (bytes?.length !== keyBytes)
      return fail(`has an invalid key ${id}. Use the base64 encoding of ${keyBytes} random bytes`)
    if (bytes.every((byte) => byte === bytes[0]))
      return fail(`has a key ${id} that is not random. Generate one with openssl rand -base64 32`)
    keys.set(id, bytes)
  }
  if (!keys.has(ring.active)) return fail('does not contain its active key')
  return { active: ring.active, keys }
})
