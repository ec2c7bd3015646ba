import * as whole from 'jose'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { rolldown } from 'rolldown'
import { describe, expect, test } from 'vitest'
import { joseModules, joseSubset } from '../../scripts/jose-subset.ts'

type Jose = typeof whole

const root = join(import.meta.dirname, '../..')
const text = (value: Uint8Array) => new TextDecoder().decode(value)
const bytes = (value: string) => new TextEncoder().encode(value)

/** jose as it is in the worker. */
async function reducedJose(): Promise<Jose> {
  const folder = await mkdtemp(join(tmpdir(), 'flowkeep-jose-'))
  try {
    const entry = join(folder, 'entry.js')
    await writeFile(
      entry,
      `export * from ${JSON.stringify(join(root, 'node_modules/jose/dist/webapi/index.js'))}`,
    )
    await using bundle = await rolldown({
      input: entry,
      plugins: [
        {
          name: 'jose',
          transform: {
            filter: { id: joseModules },
            handler: (source, id) => ({ code: joseSubset(id, source), map: null }),
          },
        },
      ],
    })
    const { output } = await bundle.generate({ format: 'esm' })
    const file = join(folder, 'jose.mjs')
    await writeFile(file, output[0].code)
    return (await import(pathToFileURL(file).href)) as Jose
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const reduced = await reducedJose()
const both: [string, Jose, Jose][] = [
  ['reduced to whole', reduced, whole],
  ['whole to reduced', whole, reduced],
]
const wrappingKey = await crypto.subtle.generateKey({ name: 'AES-KW', length: 256 }, true, [
  'wrapKey',
  'unwrapKey',
])
const signingKey = bytes('a key of thirty-two bytes or more')

const encrypt = (jose: Jose, header: whole.JWEHeaderParameters) =>
  new jose.FlattenedEncrypt(bytes('secret'))
    .setProtectedHeader(header)
    .setAdditionalAuthenticatedData(bytes('owner'))
    .encrypt(header.alg === 'A256KW' ? wrappingKey : signingKey.slice(0, 32))

describe.each(both)('%s', (_, from, to) => {
  test('opens what the other sealed', async () => {
    const box = await encrypt(from, { alg: 'A256KW', enc: 'A256CBC-HS512' })
    expect(text((await to.flattenedDecrypt(box, wrappingKey)).plaintext)).toBe('secret')
    const changed = { ...box, aad: to.base64url.encode('other') }
    await expect(to.flattenedDecrypt(changed, wrappingKey)).rejects.toMatchObject({
      code: 'ERR_JWE_DECRYPTION_FAILED',
    })
  })

  test('verifies what the other signed', async () => {
    const token = await new from.SignJWT({ a: 1 }).setProtectedHeader({ alg: 'HS256' }).sign(signingKey)
    expect((await to.jwtVerify(token, signingKey)).payload).toEqual({ a: 1 })
    await expect(to.jwtVerify(`${token.slice(0, -3)}AAA`, signingKey)).rejects.toMatchObject({
      code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
    })
  })

  test('verifies RS256 with a key from PEM', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    })
    const token = await new from.SignJWT({ a: 1 })
      .setProtectedHeader({ alg: 'RS256' })
      .sign(await from.importPKCS8(privateKey, 'RS256'))
    const { payload } = await to.jwtVerify(token, await to.importSPKI(publicKey, 'RS256'))
    expect(payload).toEqual({ a: 1 })
  })
})

test.each([
  ['a direct key', { alg: 'dir', enc: 'A256GCM' }],
  ['a password', { alg: 'PBES2-HS256+A128KW', enc: 'A128GCM' }],
  ['another cipher', { alg: 'A256KW', enc: 'A256GCM' }],
])('does not seal or open with %s', async (_, header) => {
  await expect(encrypt(reduced, header)).rejects.toMatchObject({ code: 'ERR_JOSE_NOT_SUPPORTED' })
  const box = await encrypt(whole, header)
  const key = header.alg === 'A256KW' ? wrappingKey : signingKey.slice(0, 32)
  expect(
    text((await whole.flattenedDecrypt(box, key, { keyManagementAlgorithms: [header.alg] })).plaintext),
  ).toBe('secret')
  await expect(
    reduced.flattenedDecrypt(box, key, { keyManagementAlgorithms: [header.alg] }),
  ).rejects.toMatchObject({ code: 'ERR_JOSE_NOT_SUPPORTED' })
})

test('does not decompress', async () => {
  const box = await encrypt(whole, { alg: 'A256KW', enc: 'A256CBC-HS512', zip: 'DEF' })
  await expect(reduced.flattenedDecrypt(box, wrappingKey)).rejects.toMatchObject({
    code: 'ERR_JOSE_NOT_SUPPORTED',
  })
})

test('reports a package of another shape', () => {
  for (const name of ['asn1', 'jwe_algorithms', 'jws_algorithms', 'key_management']) {
    expect(() => joseSubset(`/jose/dist/webapi/lib/${name}.js`, 'export const a = 1')).toThrow('jose has no')
  }
})
