import { bytesOf, type KeyRing } from './key-ring.ts'

/**
 * The key with this ID; null when the ring does not contain it.
 * @throws {AppError} `key-unavailable` when its KMS does not unwrap it
 */
export interface ImportedKeys {
  (id: string): Promise<CryptoKey | null>
}

/**
 * A ring's keys as non-extractable CryptoKeys, imported on first use because Workers forbid it at module scope. Caches
 * keys rather than promises, because workerd ties a promise to the request that created it.
 */
export function importKeys(
  ring: KeyRing,
  algorithm: AlgorithmIdentifier | HmacImportParams,
  usages: KeyUsage[],
): ImportedKeys {
  const imported = new Map<string, CryptoKey>()
  return async (id) => {
    const known = imported.get(id)
    if (known) return known
    const source = ring.keys.get(id)
    if (!source) return null
    const key = await crypto.subtle.importKey('raw', await bytesOf(source), algorithm, false, usages)
    imported.set(id, key)
    return key
  }
}
