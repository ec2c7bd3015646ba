/** @module Ring keys that a key management service (KMS) has encrypted, and the services that encrypt them. */
import * as z from 'zod'

/** HTTPS, or HTTP on loopback. */
const isSafeUrl = (url: string): boolean => {
  if (!URL.canParse(url)) return false
  const { protocol, hostname } = new URL(url)
  return (
    protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(hostname))
  )
}

export const KmsUrl = z
  .string()
  .refine(isSafeUrl, 'must be an HTTPS URL')
  .transform((url) => url.replace(/\/+$/, ''))

const Ciphertext = z.string().regex(/^[A-Za-z0-9+/]+={0,2}$/)

const AwsKey = z.strictObject({
  kms: z.literal('aws'),
  /** ARN, ID or alias. Only an ARN contains the region. */
  keyId: z.string().min(1).max(2048),
  ciphertext: Ciphertext,
})
const GcpKey = z.strictObject({
  kms: z.literal('gcp'),
  key: z.string().regex(/^projects\/[^/?#]+\/locations\/[^/?#]+\/keyRings\/[^/?#]+\/cryptoKeys\/[^/?#]+$/),
  ciphertext: Ciphertext,
})
const VaultKey = z.strictObject({
  kms: z.literal('vault'),
  url: KmsUrl,
  key: z.string().regex(/^[\w.-]+$/),
  /** Path of the transit engine; default `transit`. */
  mount: z
    .string()
    .regex(/^[\w.-]+(\/[\w.-]+)*$/)
    .optional(),
  ciphertext: z.string().regex(/^vault:v\d+:[A-Za-z0-9+/]+={0,2}$/),
})

export const WrappedKey = z.discriminatedUnion('kms', [AwsKey, GcpKey, VaultKey])
export type WrappedKey = z.infer<typeof WrappedKey>
export type KmsName = WrappedKey['kms']
export const kmsNames = ['aws', 'gcp', 'vault'] as const satisfies KmsName[]
export type WrappedBy<K extends KmsName> = Extract<WrappedKey, { kms: K }>

/** Where a key belongs. Encrypted with it, so that a wrapped key that is moved to another ring or ID does not open. */
export interface KeyBinding {
  ring: string
  id: string
}

/** Credentials and addresses of the services, by the names of their environment variables. */
export interface KmsSettings {
  AWS_ACCESS_KEY_ID?: string | undefined
  AWS_SECRET_ACCESS_KEY?: string | undefined
  AWS_SESSION_TOKEN?: string | undefined
  AWS_REGION?: string | undefined
  AWS_ENDPOINT_URL_KMS?: string | undefined
  GCP_SERVICE_ACCOUNT?: string | undefined
  GCP_KMS_URL?: string | undefined
  VAULT_TOKEN?: string | undefined
  VAULT_ROLE_ID?: string | undefined
  VAULT_SECRET_ID?: string | undefined
  VAULT_NAMESPACE?: string | undefined
}

/** What identifies the key that wraps: an entry without its ciphertext. */
export type WrappingKey<K extends KmsName> = Omit<WrappedBy<K>, 'ciphertext'>

/** One service. Both operations throw a `KmsError`. */
export interface KeyWrapper<K extends KmsName> {
  wrap(by: WrappingKey<K>, key: Uint8Array, binding: KeyBinding): Promise<WrappedBy<K>>
  unwrap(wrapped: WrappedBy<K>, binding: KeyBinding): Promise<Uint8Array<ArrayBuffer>>
}

/** The variable that the service needs and that is not set; undefined if it can be used. */
export function missingKmsVariable(kms: KmsName, settings: KmsSettings): keyof KmsSettings | undefined {
  const required: Record<KmsName, (keyof KmsSettings)[]> = {
    aws: ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
    gcp: ['GCP_SERVICE_ACCOUNT'],
    vault: settings.VAULT_ROLE_ID ? ['VAULT_SECRET_ID'] : ['VAULT_TOKEN'],
  }
  return required[kms].find((name) => !settings[name])
}
