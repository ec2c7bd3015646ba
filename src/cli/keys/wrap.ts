/** @module `flowkeep keys wrap`: encrypts the keys of the environment with a KMS. Prints no plain key. */
import { fingerprintKeyId, parseKms } from '../../config.ts'
import { bytesOf, KeyRingText, KeyText, openKey } from '../../crypto/key-ring.ts'
import { unwrapKey, wrapKey } from '../../crypto/kms/services.ts'
import {
  type KeyBinding,
  type KmsName,
  kmsNames,
  type KmsSettings,
  KmsUrl,
  missingKmsVariable,
  type WrappedKey,
  type WrappingKey,
} from '../../crypto/kms/wrapped-key.ts'
import { ringNames } from '../../crypto/key-ring.ts'
import type { CommandInput } from '../command.ts'
import { UsageError } from '../failure.ts'
import { loadKeys } from '../server/state.ts'
import { jsonResult, message, plural, result } from '../terminal.ts'
import { describeWrapping, variableLine } from './rings.ts'

type AnyWrappingKey = { [K in KmsName]: WrappingKey<K> }[KmsName]
type ParsedKey = ReturnType<typeof KeyText.parse>

/** Keys that the same KMS key already wraps stay as they are; keys that another one wraps are wrapped again. */
export async function keysWrapCommand({ flags, values }: CommandInput): Promise<void> {
  const settings = parseKms(process.env)
  const by = wrappingKeyOf(values, settings)
  const wrapped: Record<string, string> = {}
  for (const [name, text] of Object.entries(loadKeys())) {
    if (values['ring'] !== undefined && values['ring'].toUpperCase() !== name) continue
    if (name === 'FINGERPRINT_KEY') {
      const key = parsed(name, KeyText.safeParse(text))
      wrapped[name] = JSON.stringify(await wrapOne(key, { ring: name, id: fingerprintKeyId }, by, settings))
      message(`${name}: wrapped by ${describeWrapping(by.kms)}.`)
    } else if (ringNames.some((each) => each === name)) {
      const { active, keys } = parsed(name, KeyRingText.safeParse(text))
      const entries: [string, WrappedKey][] = []
      for (const [id, key] of keys) entries.push([id, await wrapOne(key, { ring: name, id }, by, settings)])
      wrapped[name] = JSON.stringify({ active, keys: Object.fromEntries(entries) })
      message(`${name}: ${plural(keys.size, 'key')} wrapped by ${describeWrapping(by.kms)}.`)
    }
  }
  if (Object.keys(wrapped).length === 0) {
    throw new UsageError(`No key to wrap. Set ${values['ring']?.toUpperCase() ?? 'CREDENTIAL_KEYS'}.`)
  }
  if (flags.has('json')) jsonResult(wrapped)
  else for (const [name, value] of Object.entries(wrapped)) result(variableLine(name, value))
}

async function wrapOne(
  key: ParsedKey,
  binding: KeyBinding,
  by: AnyWrappingKey,
  settings: KmsSettings,
): Promise<WrappedKey> {
  if (!(key instanceof Uint8Array) && isWrappedBy(key, by)) return key
  const bytes = await bytesOf(openKey(binding, key, settings))
  const wrapped = await wrapKey(by as WrappingKey<KmsName>, bytes, binding, settings)
  const opened = await unwrapKey(wrapped, binding, settings)
  if (opened.length === bytes.length && opened.every((byte, i) => byte === bytes[i])) return wrapped
  throw new Error(`${describeWrapping(by.kms)} did not return the key that it wrapped.`)
}

const isWrappedBy = (key: WrappedKey, by: AnyWrappingKey): boolean =>
  Object.entries(by).every(([member, value]) => key[member as keyof WrappedKey] === value)

function parsed<T>(name: string, outcome: { data?: T; error?: { issues: { message: string }[] } }): T {
  if (outcome.data !== undefined) return outcome.data
  throw new UsageError(`${name} ${outcome.error?.issues[0]?.message}`)
}

/** @throws {UsageError} */
function wrappingKeyOf(values: CommandInput['values'], settings: KmsSettings): AnyWrappingKey {
  const kms = kmsNames.find((name) => name === values['kms'])
  const keyId = values['key-id']
  if (!kms) throw new UsageError(`Choose a KMS with --kms: ${kmsNames.join(', ')}.`)
  if (!keyId) throw new UsageError('Pass the ID of the KMS key with --key-id.')
  const variable = missingKmsVariable(kms, settings)
  if (variable) throw new UsageError(`Set ${variable}.`)
  if (kms === 'aws') return { kms, keyId }
  if (kms === 'gcp') return { kms, key: keyId }
  const url = KmsUrl.safeParse(values['url'] ?? process.env['VAULT_ADDR'])
  if (!url.success) throw new UsageError('Set VAULT_ADDR or --url to the HTTPS URL of Vault.')
  return { kms, url: url.data, key: keyId, ...(values['mount'] && { mount: values['mount'] }) }
}
