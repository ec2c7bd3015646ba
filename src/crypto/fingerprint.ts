import { toHex } from '../lib/encoding.ts'
import { importKeys } from './imported-keys.ts'
import type { RingKey } from './key-ring.ts'

/** A keyed digest (HMAC-SHA-256, hex). Equal for the same text and label, and reveals nothing about the text. */
export interface Fingerprint {
  (label: string, text: string): Promise<string>
}

const id = 'key'

export function createFingerprint(key: RingKey): Fingerprint {
  const keyOf = importKeys({ active: id, keys: new Map([[id, key]]) }, { name: 'HMAC', hash: 'SHA-256' }, [
    'sign',
  ])
  const encoder = new TextEncoder()
  return async (label, text) => {
    const imported = (await keyOf(id)) as CryptoKey
    const digest = await crypto.subtle.sign('HMAC', imported, encoder.encode(`${label}\0${text}`))
    return toHex(new Uint8Array(digest))
  }
}
