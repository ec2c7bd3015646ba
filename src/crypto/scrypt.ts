import { scrypt } from 'node:crypto'

/** The work is `N · r · p`, the memory 128 · N · r bytes. */
export interface ScryptCost {
  N: number
  r: number
  p: number
}

export type Scrypt = (text: string, salt: Uint8Array, cost: ScryptCost) => Promise<Uint8Array>

const keyBytes = 32

/** Runs native code on Node and on Workers. On Workers, it blocks the isolate's only thread. */
export const nativeScrypt: Scrypt = (text, salt, { N, r, p }) =>
  new Promise((resolve, reject) => {
    // Node counts a little more than the memory that scrypt needs.
    const maxmem = 256 * N * r
    scrypt(text, salt, keyBytes, { N, r, p, maxmem }, (error, key) => (error ? reject(error) : resolve(key)))
  })
