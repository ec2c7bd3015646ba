/** @module AWS KMS: the operations Encrypt and Decrypt, signed with Signature Version 4. */
import { AwsClient } from 'aws4fetch'
import * as z from 'zod'
import { toBase64 } from '../../lib/encoding.ts'
import { callKms, decodeKey, KmsError } from './request.ts'
import type { KeyBinding, KeyWrapper, KmsSettings } from './wrapped-key.ts'

const service = 'AWS KMS'

export function awsKms(settings: KmsSettings): KeyWrapper<'aws'> {
  const client = new AwsClient({
    accessKeyId: settings.AWS_ACCESS_KEY_ID ?? '',
    secretAccessKey: settings.AWS_SECRET_ACCESS_KEY ?? '',
    ...(settings.AWS_SESSION_TOKEN && { sessionToken: settings.AWS_SESSION_TOKEN }),
  })

  function call<T>(operation: string, keyId: string, body: object, schema: z.ZodType<T>): Promise<T> {
    const [, partition = 'aws', arnRegion] = /^arn:([\w-]+):kms:([\w-]+):/.exec(keyId) ?? []
    const region = arnRegion ?? settings.AWS_REGION
    if (!region) throw new KmsError('AWS_REGION is required, because the key ID is not an ARN')
    const domain = partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com'
    return callKms(service, schema, () =>
      client.sign(`${settings.AWS_ENDPOINT_URL_KMS ?? `https://kms.${region}.${domain}`}/`, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/x-amz-json-1.1',
          'X-Amz-Target': `TrentService.${operation}`,
        },
        body: JSON.stringify({ KeyId: keyId, ...body }),
        aws: { service: 'kms', region },
      }),
    )
  }

  return {
    async wrap({ keyId }, key, binding) {
      const body = { Plaintext: toBase64(key), EncryptionContext: contextOf(binding) }
      const schema = z.object({ CiphertextBlob: z.string(), KeyId: z.string() })
      const { CiphertextBlob, KeyId } = await call('Encrypt', keyId, body, schema)
      return { kms: 'aws', keyId: KeyId, ciphertext: CiphertextBlob }
    },

    async unwrap({ keyId, ciphertext }, binding) {
      const body = { CiphertextBlob: ciphertext, EncryptionContext: contextOf(binding) }
      const { Plaintext } = await call('Decrypt', keyId, body, z.object({ Plaintext: z.string() }))
      return decodeKey(service, Plaintext)
    },
  }
}

/** AWS writes it to CloudTrail. */
const contextOf = ({ ring, id }: KeyBinding) => ({ app: 'flowkeep', ring, key: id })
