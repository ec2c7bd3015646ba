import { toHex } from '../lib/encoding.ts'

/** A keyed digest (HMAC-SHA-256, hex). Equal for the same text and label, and reveals nothing about the text. */
export interface Fingerprint {
  (label: string, text: string): Promise<string>
}

export function createFingerprint(key: Uint8Array<ArrayBuffer>): Fingerprint {
  let imported: Promise<CryptoKey> | undefined
  const encoder = new TextEncoder()
  return async (label, text) => {
    imported ??= crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
    const digest = await crypto.subtle.sign('HMAC', await imported, encoder.encode(`${label}\0${text}`))
    return toHex(new Uint8Array(digest))
  }
}
