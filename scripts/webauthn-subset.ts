/**
 * @module @simplewebauthn/server without attestation: the server asks for none and ignores statements, so the worker needs
 * neither certificates nor the ASN.1 library that reads them.
 */
import { resolve } from 'node:path'

export const webauthnModules = /[\\/]@simplewebauthn[\\/]server[\\/]esm[\\/].*\.js$/

const settings = `export const SettingsService = { getRootCertificates: () => [], runtimeSupportsPQC: () => false }`

/** The module as the worker contains it; null for one that stays as it is. */
export function webauthnSubset(path: string, source: string): string | null {
  const name = path.replaceAll('\\', '/').replace(/^.*\/esm\//, '')
  const verification = /verifications\/(?:tpm\/)?(verifyAttestation\w+)\.js$/.exec(name)?.[1]
  if (verification) return `export const ${verification} = async () => false`
  if (name === 'services/settingsService.js') return settings
  if (name === 'helpers/convertX509PublicKeyToCOSE.js') {
    return 'export const convertX509PublicKeyToCOSE = () => { throw new Error("No certificates") }'
  }
  if (name !== 'helpers/iso/isoCrypto/unwrapEC2Signature.js') return null
  const code = source
    .replace(/import .* from '@peculiar\/asn1-schema';/, '')
    .replace(
      /import .* from '@peculiar\/asn1-ecc';/,
      `import { readEcdsaSignature } from ${JSON.stringify(resolve(import.meta.dirname, '../src/worker/ecdsa-signature.ts'))};`,
    )
    .replace('AsnParser.parse(signature, ECDSASigValue)', 'readEcdsaSignature(signature)')
  if (code.includes('peculiar') || !code.includes('readEcdsaSignature(signature)')) {
    throw new Error('@simplewebauthn/server has changed')
  }
  return code
}
