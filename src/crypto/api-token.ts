/**
 * @module Access tokens: `fk_`, 32 random characters (190 bits) and 6 of their CRC-32, all in base62. The checksum lets a
 * scanner recognize a leaked token offline. Only the SHA-256 is stored. 190 bits cannot be guessed, so a keyed hash
 * would add no protection, and losing its key would end every token.
 */
import { sha256Hex } from '../lib/encoding.ts'

export interface NewApiToken {
  /** Shown once, never stored. */
  token: string
  hash: string
  /** The last characters, by which its owner recognizes it. */
  hint: string
}

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const form = /^fk_([0-9A-Za-z]{32})([0-9A-Za-z]{6})$/

export async function newApiToken(): Promise<NewApiToken> {
  const secret = randomText(32)
  const token = `fk_${secret}${checksumOf(secret)}`
  return { token, hash: await hashApiToken(token), hint: token.slice(-4) }
}

export const hashApiToken = (token: string): Promise<string> => sha256Hex(token)

/** Whether the text has the form of an access token and its checksum is right. */
export function isApiToken(text: string): boolean {
  const [, secret, checksum] = form.exec(text) ?? []
  return secret !== undefined && checksumOf(secret) === checksum
}

/** Each character is equally likely: 248 is a multiple of 62, and larger bytes are dropped. */
function randomText(length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      if (byte < 248 && text.length < length) text += alphabet.charAt(byte % 62)
    }
  }
  return text
}

/** The CRC-32 (IEEE 802.3) of ASCII text in base62, padded to 6 characters. */
function checksumOf(text: string): string {
  let crc = 0xffffffff
  for (let at = 0; at < text.length; at++) {
    crc ^= text.charCodeAt(at)
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  let rest = (crc ^ 0xffffffff) >>> 0
  let digits = ''
  while (digits.length < 6) {
    digits = alphabet.charAt(rest % 62) + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}
