/** @module `/account/tokens`: lists, creates, rotates and revokes access tokens. A token is shown once. */
import { type Context, Hono } from 'hono'
import { AppError, notFound, requireFound } from '../../errors.ts'
import { statusOf } from '../../http/problem.ts'
import { check } from '../../http/validate.ts'
import { IdParam } from '../../lib/scalars.ts'
import { dayMs } from '../../lib/time.ts'
import { NewToken, TokenChange, TokenRotation } from '../../users/token-contract.ts'
import { noLimit } from '../components/period.ts'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { errorsByField, onceKey, readForm } from '../form-data.ts'
import { renderPage } from '../layout/page.tsx'
import { redirectWith } from '../notice.ts'
import {
  defaultDays,
  ListPage,
  NewPage,
  type NewPageProps,
  ScopesPage,
  TokenPage,
  TokenShownPage,
} from './view.tsx'

const path = '/account/tokens'
const account = { label: 'Account', href: '/account' }
const list = { label: 'Access tokens', href: path }
const section = 'more' as const

const fields = ['name', 'kind', 'scopes', 'days', 'expiresAt']
const formCodes = new Set(['invalid', 'quota-exceeded', 'conflict', 'idempotency-key-reused'])

/** @throws `error`, unless the form shows it */
function failureOf(error: unknown): AppError {
  if (error instanceof AppError && formCodes.has(error.code)) return error
  throw error
}

function idOf(c: Context<DashboardEnv>): string {
  const { data } = IdParam.safeParse({ id: c.req.param('id') })
  if (!data) throw notFound('Access token')
  return data.id
}

export function tokenPages({
  apiTokens,
  config,
  fingerprint,
  now,
}: Pick<DashboardDeps, 'apiTokens' | 'config' | 'fingerprint' | 'now'>) {
  const newPage = (c: Context<DashboardEnv>, props: NewPageProps, status = 200) =>
    renderPage(
      c,
      { title: 'Create access token', section, crumbs: [account, list], status: status as 200 },
      <NewPage {...props} />,
    )

  const scopesPage = (
    c: Context<DashboardEnv>,
    props: Parameters<typeof ScopesPage>[0],
    status: 200 | 422 = 200,
  ) =>
    renderPage(
      c,
      {
        title: 'Scopes',
        section,
        crumbs: [account, list, { label: props.token.name, href: `${path}/${props.token.id}` }],
        status,
      },
      <ScopesPage {...props} />,
    )

  /** Null for no expiry; `days` itself if it is not a number of days. */
  const endOf = (days: string): string | null =>
    days === ''
      ? null
      : /^\d{1,3}$/.test(days)
        ? new Date(now().getTime() + Number(days) * dayMs).toISOString()
        : days

  const shownPage = (c: Context<DashboardEnv>, name: string, token: string, isRotated: boolean) =>
    renderPage(
      c,
      { title: 'Access token', section, crumbs: [account, list] },
      <TokenShownPage name={name} token={token} isRotated={isRotated} />,
    )

  return new Hono<DashboardEnv>()
    .get('/', async (c) => {
      const { items } = await apiTokens.list(c.var.userId, { limit: noLimit, after: null })
      return renderPage(
        c,
        { title: 'Access tokens', section, crumbs: [account] },
        <ListPage publicUrl={config.publicUrl} tokens={items} now={now()} time={c.var.viewer.time} />,
      )
    })
    .get('/new', (c) =>
      newPage(c, { values: { kind: 'personal', days: String(defaultDays) }, scopes: [], errors: {} }),
    )
    .post('/', async (c) => {
      const form = await readForm(c)
      const [name = '', kind = '', , days = ''] = fields.map((field) => (form.get(field) ?? '').trim())
      const scopes = form.getAll('scopes')
      try {
        const body = check(NewToken, { name, kind, scopes, expiresAt: endOf(days) }, 'json')
        const key = await onceKey(fingerprint, form, `POST ${path}`)
        const created = await apiTokens.create(c.var.userId, body, key)
        if (created.token !== null) return await shownPage(c, created.name, created.token, false)
        return redirectWith(
          c,
          path,
          `${created.name} was already created. Rotate it to get a new token.`,
          'wait',
        )
      } catch (error) {
        const failure = failureOf(error)
        const errors = errorsByField(failure, fields)
        return newPage(c, { values: { name, kind, days }, scopes, errors }, statusOf(failure.code))
      }
    })
    .get('/:id', async (c) => {
      const token = requireFound(await apiTokens.find(c.var.userId, idOf(c)), 'Access token')
      return renderPage(
        c,
        { title: token.name, section, crumbs: [account, list] },
        <TokenPage token={token} now={now()} time={c.var.viewer.time} />,
      )
    })
    .get('/:id/scopes', async (c) => {
      const token = requireFound(await apiTokens.find(c.var.userId, idOf(c)), 'Access token')
      return scopesPage(c, { token, scopes: token.scopes, error: undefined })
    })
    .post('/:id/scopes', async (c) => {
      const [id, form] = [idOf(c), await readForm(c)]
      const scopes = form.getAll('scopes')
      try {
        const change = check(TokenChange, { scopes }, 'json')
        requireFound(await apiTokens.update(c.var.userId, id, change), 'Access token')
        return redirectWith(c, `${path}/${id}`, 'The scopes were saved.')
      } catch (error) {
        const failure = failureOf(error)
        const token = requireFound(await apiTokens.find(c.var.userId, id), 'Access token')
        return scopesPage(c, { token, scopes, error: errorsByField(failure, ['scopes']).scopes }, 422)
      }
    })
    .post('/:id/rotate', async (c) => {
      const form = await readForm(c)
      const body = check(TokenRotation, { overlapSeconds: Number(form.get('overlap') ?? '') }, 'json')
      const id = idOf(c)
      try {
        const token = requireFound(await apiTokens.rotate(c.var.userId, id, body), 'Access token')
        return await shownPage(c, token.name, token.token, true)
      } catch (error) {
        return redirectWith(c, `${path}/${id}`, `${failureOf(error).message}.`, 'fail')
      }
    })
    .post('/:id/revoke', async (c) => {
      if (!(await apiTokens.revoke(c.var.userId, idOf(c)))) throw notFound('Access token')
      return redirectWith(c, path, 'The access token was revoked.')
    })
}
