/** @module `/account/security`: the authenticator app, passkeys and recovery codes. Every change asks who is there first. */
import { type Context, Hono } from 'hono'
import { AppError, notFound } from '../../../errors.ts'
import { statusOf } from '../../../http/problem.ts'
import { check } from '../../../http/validate.ts'
import { IdParam } from '../../../lib/scalars.ts'
import { NewPasskey, Reauthentication, type TotpSetup } from '../../../users/factors/contract.ts'
import type { DashboardDeps, DashboardEnv } from '../../context.ts'
import { readForm } from '../../form-data.ts'
import { renderPage } from '../../layout/page.tsx'
import { redirectWith } from '../../notice.ts'
import { factorAnswer, factorErrors, parsedPasskey } from '../../components/factor-answer.ts'
import { qrPath } from './qr.ts'
import {
  type Change,
  changes,
  CodesPage,
  ConfirmPage,
  PasskeyPage,
  path,
  SecurityPage,
  TotpPage,
} from './view.tsx'

const account = { label: 'Account', href: '/account' }
const list = { label: 'Sign-in security', href: path }
const section = 'more' as const

const formCodes = new Set([
  'invalid',
  'conflict',
  'bad-credentials',
  'second-factor-required',
  'invalid-second-factor',
  'too-many-requests',
])

/** @throws `error`, unless the form shows it */
function failureOf(error: unknown): AppError {
  if (error instanceof AppError && formCodes.has(error.code)) return error
  throw error
}

const isChange = (text: string | undefined): text is Change => changes.some((each) => each === text)

export function securityPages({
  signIn,
  factors,
  factorRepository,
}: Pick<DashboardDeps, 'signIn' | 'factors' | 'factorRepository'>) {
  const confirmPage = async (
    c: Context<DashboardEnv>,
    change: Change,
    form = new URLSearchParams(),
    failure?: AppError,
  ) => {
    const { totp, passkeys, recoveryCodesLeft } = await factorRepository.list(c.var.userId)
    const methods = [
      ...(totp ? ['totp'] : []),
      ...(passkeys.length > 0 ? ['passkey'] : []),
      ...(recoveryCodesLeft > 0 ? ['recovery-code'] : []),
    ]
    const errors: Record<string, string> =
      failure === undefined
        ? {}
        : failure.code === 'bad-credentials'
          ? { password: 'Incorrect password' }
          : factorErrors(failure, form, ['password', 'code', 'recoveryCode'])
    return renderPage(
      c,
      {
        title: 'Verify your identity',
        section,
        crumbs: [account, list],
        status: failure ? statusOf(failure.code) : 200,
      },
      <ConfirmPage
        change={change}
        id={c.req.query('id') ?? ''}
        methods={totp || passkeys.length > 0 ? methods : []}
        errors={errors}
      />,
    )
  }

  const codesPage = (c: Context<DashboardEnv>, codes: string[]) =>
    renderPage(c, { title: 'Recovery codes', section, crumbs: [account, list] }, <CodesPage codes={codes} />)

  const totpPage = async (c: Context<DashboardEnv>, { secret, uri }: TotpSetup, error?: string) =>
    renderPage(
      c,
      { title: 'Set up an authenticator app', section, crumbs: [account, list], status: error ? 422 : 200 },
      <TotpPage secret={secret} qr={await qrPath(uri)} error={error} />,
    )

  async function perform(c: Context<DashboardEnv>, change: Change, form: URLSearchParams): Promise<Response> {
    const body = { password: form.get('password') ?? '', ...factorAnswer(form) }
    const confirmed = check(Reauthentication, body, 'json')
    const { userId } = c.var
    const owner = await signIn.confirmOwner(c.var, confirmed)
    switch (change) {
      case 'totp':
        return totpPage(c, await factors.startTotp(owner.user))
      case 'passkey':
        return renderPage(
          c,
          { title: 'Create a passkey', section, crumbs: [account, list] },
          <PasskeyPage options={JSON.stringify(await factors.creationOptions(owner.user))} />,
        )
      case 'recovery-codes':
        return codesPage(c, await factors.newRecoveryCodes(owner))
      case 'remove-totp':
        await factors.removeTotp(userId)
        return redirectWith(c, path, 'The authenticator app was removed.')
      case 'remove-passkey':
        break
    }
    const { data } = IdParam.safeParse({ id: c.req.query('id') })
    if (!data) throw notFound('Passkey')
    await factors.removePasskey(userId, data.id)
    return redirectWith(c, path, 'The passkey was removed.')
  }

  return new Hono<DashboardEnv>()
    .get('/', async (c) =>
      renderPage(
        c,
        { title: 'Sign-in security', section, crumbs: [account] },
        <SecurityPage factors={await factorRepository.list(c.var.userId)} time={c.var.viewer.time} />,
      ),
    )
    .get('/change', (c) => {
      const change = c.req.query('do')
      if (!isChange(change)) throw notFound('Page')
      return confirmPage(c, change)
    })
    .post('/change', async (c) => {
      const change = c.req.query('do')
      if (!isChange(change)) throw notFound('Page')
      const form = await readForm(c)
      try {
        return await perform(c, change, form)
      } catch (error) {
        return confirmPage(c, change, form, failureOf(error))
      }
    })
    .post('/totp', async (c) => {
      const code = ((await readForm(c)).get('code') ?? '').replaceAll(/\s/g, '')
      try {
        const codes = await factors.confirmTotp(c.var.userId, code)
        return codes ? await codesPage(c, codes) : redirectWith(c, path, 'The authenticator app was added.')
      } catch (error) {
        const failure = failureOf(error)
        const setup = await factors.pendingTotp(c.var.user)
        return setup
          ? totpPage(c, setup, `${failure.message}.`)
          : redirectWith(c, path, `${failure.message}.`, 'fail')
      }
    })
    .post('/passkeys', async (c) => {
      const form = await readForm(c)
      try {
        const body = { name: form.get('name') ?? '', passkey: parsedPasskey(form) }
        const { name, passkey } = check(NewPasskey, body, 'json')
        const { recoveryCodes } = await factors.addPasskey(c.var.userId, name, passkey)
        return recoveryCodes
          ? await codesPage(c, recoveryCodes)
          : redirectWith(c, path, 'The passkey was added.')
      } catch (error) {
        return redirectWith(c, path, `${failureOf(error).message}.`, 'fail')
      }
    })
    .post('/passkey-check', async (c) => c.json(await factors.checkOptions(c.var.userId)))
}
