import type { KeyRing } from '../../src/crypto/key-ring.ts'

/** A ring of fresh random keys; the last id is active. */
export function randomRing(...ids: string[]): KeyRing {
  const names = ids.length > 0 ? ids : ['k1']
  return {
    active: names.at(-1) as string,
    keys: new Map(names.map((id) => [id, crypto.getRandomValues(new Uint8Array(32))])),
  }
}
