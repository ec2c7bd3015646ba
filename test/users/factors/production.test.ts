/** Signing in with second factors over HTTP, on the production build for Node and the worker in workerd. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { totpCode, totpStep } from '../../../src/users/factors/totp.ts'
import { startTarget, type Target, type TargetRuntime } from '../../harness/target.ts'
import { Authenticator } from './authenticator.ts'

const runtimes: TargetRuntime[] = ['node', 'workerd']

describe.each(runtimes)('on %s, an account with second factors', (runtime) => {
  let target: Target
  beforeAll(async () => {
    target = await startTarget({ runtime })
  })
  afterAll(() => target?.close())

  test('signs in with a code after the password, and with a passkey alone', async () => {
    const user = await target.user()
    const { email, password } = user
    const post = async (path: string, body: unknown, status: number) => {
      const answer = await user.call('POST', `/v1/me/factors${path}`, { body })
      expect([path, answer.status]).toEqual([path, status])
      return answer.json
    }
    const { secret } = await post('/totp', { password }, 201)
    const step = totpStep(new Date())
    const { recoveryCodes } = await post('/totp/confirm', { code: await totpCode(secret, step) }, 200)

    const required = await target.call('POST', '/v1/auth/login', { body: { email, password } })
    expect(required).toMatchObject({ status: 403, json: { code: 'second-factor-required' } })
    const { token } = required.json.secondFactor
    const finish = (code: string) => target.call('POST', '/v1/auth/second-factor', { body: { token, code } })
    expect((await finish(await totpCode(secret, step + 50))).status).toBe(401)
    expect(await finish(await totpCode(secret, step + 1))).toMatchObject({
      status: 200,
      json: { user: { id: user.id } },
    })

    const proof = { password, recoveryCode: recoveryCodes[0] }
    const creation = await post('/passkeys/options', proof, 200)
    const authenticator = new Authenticator(target.env['PUBLIC_URL'] as string)
    const passkey = await authenticator.create(creation.options)
    await post('/passkeys', { name: 'Laptop', passkey }, 201)
    const signed = async () => {
      const { options } = (await target.call('POST', '/v1/auth/passkey/options')).json
      return authenticator.get(options)
    }
    const signIn = (body: unknown) => target.call('POST', '/v1/auth/passkey', { body: { passkey: body } })
    // Encoded signatures differ in length, so that several are read.
    for (let each = 0; each < 8; each += 1) {
      expect(await signIn(await signed())).toMatchObject({ status: 200, json: { user: { id: user.id } } })
    }
    const [used, other] = [await signed(), await signed()]
    const forged = { ...used, response: { ...used.response, signature: other.response.signature } }
    expect((await signIn(forged)).status).toBe(401)
    expect((await signIn(used)).status).toBe(200)
    expect((await signIn(used)).status).toBe(401)
  })
})
