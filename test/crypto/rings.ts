import type { KeyRing } from '../../src/crypto/key-ring.ts'

/** A ring of new random keys; the last ID is active. */
export function randomRing(...ids: string[]): KeyRing {
  const active = ids.at(-1) ?? 'k1'
  return {
    active,
    keys: new Map([...ids, active].map((id) => [id, crypto.getRandomValues(new Uint8Array(32))])),
  }
}

export function keyOf(ring: KeyRing, id: string): Uint8Array<ArrayBuffer> {
  const key = ring.keys.get(id)
  if (!(key instanceof Uint8Array)) throw new Error(`No key ${id}`)
  return key
}
