/** @module Google Cloud KMS: signs in as a service account (RFC 7523), then encrypts and decrypts with authenticated data. */
import { importPKCS8, SignJWT } from 'jose'
import * as z from 'zod'
import { textToBase64, toBase64 } from '../../lib/encoding.ts'
import { callKms, decodeKey, KmsError } from './request.ts'
import { type KeyBinding, type KeyWrapper, type KmsSettings, KmsUrl } from './wrapped-key.ts'

const service = 'Google Cloud KMS'

const ServiceAccount = z.object({
  client_email: z.string(),
  private_key: z.string(),
  private_key_id: z.string().optional(),
  token_uri: KmsUrl.default('https://oauth2.googleapis.com/token'),
})

export function gcpKms(settings: KmsSettings): KeyWrapper<'gcp'> {
  async function accessToken(): Promise<string> {
    const { client_email, private_key, private_key_id, token_uri } = serviceAccountOf(settings)
    const key = await importPKCS8(private_key, 'RS256').catch(() => {
      throw new KmsError('GCP_SERVICE_ACCOUNT contains an invalid private key')
    })
    const { access_token } = await callKms(
      'The Google token endpoint',
      z.object({ access_token: z.string() }),
      async () => {
        const assertion = await new SignJWT({ scope: 'https://www.googleapis.com/auth/cloudkms' })
          .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...(private_key_id && { kid: private_key_id }) })
          .setIssuer(client_email)
          .setAudience(token_uri)
          .setIssuedAt()
          .setExpirationTime('10m')
          .sign(key)
        const body = new URLSearchParams({
          grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
          assertion,
        })
        return new Request(token_uri, { method: 'POST', body })
      },
    )
    return access_token
  }

  async function call<T>(operation: string, key: string, body: object, schema: z.ZodType<T>): Promise<T> {
    const headers = { Authorization: `Bearer ${await accessToken()}`, 'Content-Type': 'application/json' }
    const url = `${settings.GCP_KMS_URL ?? 'https://cloudkms.googleapis.com'}/v1/${key}:${operation}`
    return callKms(
      service,
      schema,
      () => new Request(url, { method: 'POST', headers, body: JSON.stringify(body) }),
    )
  }

  return {
    async wrap({ key }, bytes, binding) {
      const body = { plaintext: toBase64(bytes), additionalAuthenticatedData: authenticatedData(binding) }
      const { ciphertext } = await call('encrypt', key, body, z.object({ ciphertext: z.string() }))
      return { kms: 'gcp', key, ciphertext }
    },

    async unwrap({ key, ciphertext }, binding) {
      const body = { ciphertext, additionalAuthenticatedData: authenticatedData(binding) }
      const { plaintext } = await call('decrypt', key, body, z.object({ plaintext: z.string() }))
      return decodeKey(service, plaintext)
    },
  }
}

const authenticatedData = ({ ring, id }: KeyBinding) => textToBase64(JSON.stringify(['flowkeep', ring, id]))

function serviceAccountOf({ GCP_SERVICE_ACCOUNT = '' }: KmsSettings): z.infer<typeof ServiceAccount> {
  try {
    return ServiceAccount.parse(JSON.parse(GCP_SERVICE_ACCOUNT))
  } catch {
    throw new KmsError('GCP_SERVICE_ACCOUNT is not the JSON key of a service account')
  }
}
