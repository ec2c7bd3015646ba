/** @module Recovery codes: three groups of four characters, 60 random bits, for people who lost their device. */
import type { Fingerprint } from '../../crypto/fingerprint.ts'

const count = 10
/** Crockford's base32: no letters that look like digits. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

export const newRecoveryCodes = (): string[] =>
  Array.from({ length: count }, () => {
    const bytes = crypto.getRandomValues(new Uint8Array(12))
    return Array.from(bytes, (byte, at) => `${at % 4 === 0 && at > 0 ? '-' : ''}${alphabet[byte & 31]}`).join(
      '',
    )
  })

/** A code as it was created, from one that a person typed. */
const normalized = (code: string): string =>
  code.toLowerCase().replaceAll(/[\s-]/g, '').replaceAll('o', '0').replaceAll(/[il]/g, '1')

/** Keyed, so that a copy of the database does not let anyone guess codes. */
export const hashRecoveryCode = (fingerprint: Fingerprint, userId: string, code: string): Promise<string> =>
  fingerprint('recovery-code', JSON.stringify([userId, normalized(code)]))
