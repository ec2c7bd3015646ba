/** @module A fake AWS KMS that verifies Signature Version 4 by the published algorithm, without a library. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { KmsSettings } from '../../../src/crypto/kms/wrapped-key.ts'
import { type FakeServer, jsonOf, type KmsAnswer, type KmsRequest, opened, sealed, serve } from './server.ts'

const region = 'eu-central-1'
const maxSkewMs = 5 * 60_000

export interface FakeAws extends FakeServer {
  keyId: string
  otherKeyId: string
  settings: KmsSettings
}

const sha256 = (content: string) => createHash('sha256').update(content).digest('hex')
const hmac = (key: string | Buffer, content: string) => createHmac('sha256', key).update(content).digest()
const fail = (type: string, message: string): KmsAnswer => ({ status: 400, body: { __type: type, message } })

export async function fakeAws({ sessionToken }: { sessionToken?: string } = {}): Promise<FakeAws> {
  const accessKeyId = `AKIA${randomBytes(8).toString('hex').toUpperCase()}`
  const secret = randomBytes(30).toString('base64')
  const arn = () => `arn:aws:kms:${region}:111122223333:key/${crypto.randomUUID()}`
  const keys = new Map([arn(), arn()].map((id) => [id, randomBytes(32)]))
  const [keyId = '', otherKeyId = ''] = keys.keys()

  function signatureProblem({ method, path, headers, body }: KmsRequest): KmsAnswer | null {
    const form =
      /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})$/
    const parsed = form.exec(headers.authorization ?? '')
    if (!parsed) return fail('IncompleteSignatureException', 'The Authorization header is incomplete')
    const [, id, day = '', scopeRegion = '', scopeService = '', signedNames = '', signature = ''] = parsed
    const date = String(headers['x-amz-date'])
    const at = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
    if (id !== accessKeyId || headers['x-amz-security-token'] !== sessionToken) {
      return fail('UnrecognizedClientException', 'The security token included in the request is invalid.')
    }
    if (!(Math.abs(Date.now() - at) < maxSkewMs) || !date.startsWith(day)) {
      return fail('InvalidSignatureException', 'Signature expired')
    }
    const names = signedNames.split(';')
    const required = ['host', 'x-amz-date', 'x-amz-target', ...(sessionToken ? ['x-amz-security-token'] : [])]
    if (scopeRegion !== region || scopeService !== 'kms' || required.some((name) => !names.includes(name))) {
      return fail('InvalidSignatureException', 'Credential should be scoped to a valid region and service.')
    }
    const canonicalHeaders = names.map((name) => `${name}:${String(headers[name] ?? '').trim()}\n`).join('')
    const canonical = [method, path, '', canonicalHeaders, signedNames, sha256(body)].join('\n')
    const scope = `${day}/${region}/kms/aws4_request`
    const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')
    const signingKey = [day, region, 'kms', 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secret}`)
    const isGenuine = timingSafeEqual(hmac(signingKey, toSign), Buffer.from(signature, 'hex'))
    return isGenuine
      ? null
      : fail(
          'InvalidSignatureException',
          'The request signature we calculated does not match the signature you provided.',
        )
  }

  const server = await serve((request) => {
    const problem = signatureProblem(request)
    if (problem) return problem
    const { method, path, headers } = request
    const body = jsonOf(request.body)
    if (
      method !== 'POST' ||
      path !== '/' ||
      headers['content-type'] !== 'application/x-amz-json-1.1' ||
      !body
    ) {
      return fail('SerializationException', 'The request is not JSON 1.1')
    }
    const operation = /^TrentService\.(Encrypt|Decrypt)$/.exec(String(headers['x-amz-target']))?.[1]
    if (!operation) return fail('UnknownOperationException', 'Unknown operation')
    const { KeyId, EncryptionContext, Plaintext, CiphertextBlob } = body
    const key = keys.get(String(KeyId))
    if (!key) return fail('NotFoundException', `Key '${String(KeyId)}' does not exist`)
    const context = Object.entries(EncryptionContext ?? {}).toSorted(([a], [b]) => a.localeCompare(b))
    if (context.length === 0 || context.some(([, value]) => typeof value !== 'string')) {
      return fail('ValidationException', 'EncryptionContext must map strings to strings')
    }
    const authenticated = JSON.stringify([KeyId, context])
    if (operation === 'Encrypt') {
      const blob = sealed(key, Buffer.from(String(Plaintext), 'base64'), authenticated)
      return { status: 200, body: { CiphertextBlob: blob, KeyId, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' } }
    }
    const plaintext = opened(key, String(CiphertextBlob), authenticated)
    return plaintext
      ? { status: 200, body: { Plaintext: plaintext.toString('base64'), KeyId } }
      : { status: 400, body: { __type: 'InvalidCiphertextException' } }
  })
  return {
    ...server,
    keyId,
    otherKeyId,
    settings: {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secret,
      AWS_SESSION_TOKEN: sessionToken,
      AWS_ENDPOINT_URL_KMS: server.url,
    },
  }
}
