/** Lower-case hex. */
export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** The first `sizeBytes` of the SHA-256 of bytes or UTF-8 text, in hex. */
export async function sha256Hex(content: string | Uint8Array<ArrayBuffer>, sizeBytes = 32): Promise<string> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes), 0, sizeBytes))
}
