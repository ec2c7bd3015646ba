/** @module All key management services. Imported on demand, because few servers use one. */
import { awsKms } from './aws.ts'
import { gcpKms } from './gcp.ts'
import { vaultKms } from './vault.ts'
import type { KeyBinding, KeyWrapper, KmsName, KmsSettings, WrappedKey, WrappingKey } from './wrapped-key.ts'

const services: { [K in KmsName]: (settings: KmsSettings) => KeyWrapper<K> } = {
  aws: awsKms,
  gcp: gcpKms,
  vault: vaultKms,
}

const serviceOf = <K extends KmsName>(kms: K, settings: KmsSettings): KeyWrapper<K> => services[kms](settings)

/** @throws {KmsError} */
export const unwrapKey = <K extends KmsName>(
  wrapped: Extract<WrappedKey, { kms: K }>,
  binding: KeyBinding,
  settings: KmsSettings,
): Promise<Uint8Array<ArrayBuffer>> => serviceOf<K>(wrapped.kms, settings).unwrap(wrapped, binding)

/** @throws {KmsError} */
export const wrapKey = <K extends KmsName>(
  by: WrappingKey<K>,
  key: Uint8Array,
  binding: KeyBinding,
  settings: KmsSettings,
): Promise<WrappedKey> => serviceOf<K>(by.kms as unknown as K, settings).wrap(by, key, binding)
