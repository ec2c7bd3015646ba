/** @module All fakes, for tests that run with each service. */
import { wrapKey } from '../../../src/crypto/kms/services.ts'
import type { KeyBinding, KmsName, KmsSettings, WrappedKey } from '../../../src/crypto/kms/wrapped-key.ts'
import { fakeAws } from './aws.ts'
import { fakeGcp } from './gcp.ts'
import type { FakeServer } from './server.ts'
import { fakeVault } from './vault.ts'

export interface FakeKms extends FakeServer {
  kms: KmsName
  keyId: string
  otherKeyId: string
  settings: KmsSettings
}

const fakes = { aws: fakeAws, gcp: fakeGcp, vault: fakeVault }

export const fakeKms = async (kms: KmsName): Promise<FakeKms> => ({ ...(await fakes[kms]()), kms })

/** Wraps with the fake's first key, or with `keyId`. */
export function wrapWith(
  { kms, url, settings, ...fake }: FakeKms,
  key: Uint8Array,
  binding: KeyBinding,
  keyId = fake.keyId,
): Promise<WrappedKey> {
  if (kms === 'aws') return wrapKey<'aws'>({ kms, keyId }, key, binding, settings)
  if (kms === 'gcp') return wrapKey<'gcp'>({ kms, key: keyId }, key, binding, settings)
  return wrapKey<'vault'>({ kms, url, key: keyId }, key, binding, settings)
}
