/** @module In place of the package `uuid`, whose v7 continues where the previous seed ended. */

export const v4 = (): string => crypto.randomUUID()

export function v7({ msecs = Date.now() } = {}): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = (bytes[6]! & 0x0f) | 0x70
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const time = msecs.toString(16).padStart(12, '0')
  const rest = Buffer.from(bytes.subarray(6)).toString('hex')
  return `${time.slice(0, 8)}-${time.slice(8)}-${rest.slice(0, 4)}-${rest.slice(4, 8)}-${rest.slice(8)}`
}
