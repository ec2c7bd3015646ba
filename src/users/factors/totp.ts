/** @module Time-based one-time passwords (RFC 6238) as authenticator apps expect them: HMAC-SHA-1, 6 digits, 30 seconds. */

const stepSeconds = 30
const digits = 6
/** RFC 4226 §4 recommends 160 bits. */
const secretBytes = 20
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** A new secret in base32 (RFC 4648 §6), without padding. */
export const newTotpSecret = (): string => toBase32(crypto.getRandomValues(new Uint8Array(secretBytes)))

export const totpStep = (at: Date): number => Math.floor(at.getTime() / 1000 / stepSeconds)

/** The code of a time step. */
export async function totpCode(secret: string, step: number): Promise<string> {
  const key = await crypto.subtle.importKey(
    'raw',
    fromBase32(secret),
    { name: 'HMAC', hash: 'SHA-1' },
    false,
    ['sign'],
  )
  const message = new DataView(new ArrayBuffer(8))
  message.setBigUint64(0, BigInt(step))
  const mac = new DataView(await crypto.subtle.sign('HMAC', key, message))
  const offset = mac.getUint8(mac.byteLength - 1) & 0xf
  return String((mac.getUint32(offset) & 0x7fffffff) % 10 ** digits).padStart(digits, '0')
}

/** The step whose code this is: the current one, the one before or the one after. Null for any other code. */
export async function matchingStep(secret: string, code: string, at: Date): Promise<number | null> {
  const current = totpStep(at)
  const steps = [current, current - 1, current + 1]
  const codes = await Promise.all(steps.map((step) => totpCode(secret, step)))
  return steps[codes.indexOf(code)] ?? null
}

/** For authenticator apps. Source: the Key URI Format of Google Authenticator. */
export function totpUri(secret: string, issuer: string, account: string): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`
  return `otpauth://totp/${label}?secret=${secret}&issuer=${encodeURIComponent(issuer)}&algorithm=SHA1&digits=${digits}&period=${stepSeconds}`
}

function toBase32(bytes: Uint8Array): string {
  let [text, buffer, bits] = ['', 0, 0]
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xfff
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet.charAt((buffer >>> (bits - 5)) & 31)
  }
  return bits > 0 ? text + alphabet.charAt((buffer << (5 - bits)) & 31) : text
}

function fromBase32(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8))
  let [buffer, bits, at] = [0, 0, 0]
  for (const letter of text) {
    buffer = ((buffer << 5) | alphabet.indexOf(letter)) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes[at++] = (buffer >>> bits) & 0xff
  }
  return bytes
}
