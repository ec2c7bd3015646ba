/** @module Keys with ids: one is active and seals or signs, all of them open or verify. */
import * as z from 'zod'

export interface KeyRing {
  active: string
  keys: ReadonlyMap<string, Uint8Array<ArrayBuffer>>
}

const keyBytes = 32

/** `{"active":"k1","keys":{"k1":"<base64 of 32 bytes>"}}`, as it stands in an environment variable. */
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
    return fail('is not JSON of the form {"active":"k1","keys":{"k1":"<base64 of 32 bytes>"}}')
  }
  const keys = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const [id, value] of Object.entries(ring.keys)) {
    if (!/^[a-z0-9]{1,16}$/.test(id)) return fail('has a key id that is not 1 to 16 of a-z and 0-9')
    const bytes = decodeBase64(value)
    if (bytes?.length !== keyBytes) return fail(`: key ${id} is not base64 of ${keyBytes} bytes`)
    if (bytes.every((byte) => byte === bytes[0])) return fail(`: key ${id} is not random`)
    keys.set(id, bytes)
  }
  if (!keys.has(ring.active)) return fail('names an active key that it does not hold')
  return { active: ring.active, keys }
})

export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0))
  } catch {
    return null
  }
}
