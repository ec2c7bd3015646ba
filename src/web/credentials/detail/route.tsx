/** @module `/credentials/:id`: one credential, its test by an n8n, and its deletion. */
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { CredentialId, type CredentialTestResult } from '../../../credentials/contract.ts'
import { AppError } from '../../../errors.ts'
import { statusOf } from '../../../http/problem.ts'
import { loadCatalogue } from '../../../n8n/catalogue.ts'
import { renderPage } from '../../layout/page.tsx'
import type { DashboardEnv } from '../../context.ts'
import { readForm } from '../../form-data.ts'
import { type Notice, redirectWith } from '../../notice.ts'
import { returnPath } from '../../return-path.ts'
import { type DeletionState, noDeletion } from './delete-card.tsx'
import { CredentialDetail } from './view.tsx'
import { allOfThem, periodNamed, rangeOf } from '../../components/period.ts'
import { readPlaces } from '../../../credentials/queries.ts'
import type { CredentialPageDeps } from '../page-context.ts'

export function detailPages(deps: CredentialPageDeps) {
  const { credentials, credentialHealth, credentialPusher, analytics, db, now } = deps

  async function detailPage(
    c: Context<DashboardEnv>,
    id: string,
    deletion: DeletionState = noDeletion,
    status: ContentfulStatusCode = 200,
  ) {
    const { userId, viewer } = c.var
    const period = periodNamed(c.req.query('period'))
    const at = now()
    const [credential, usage, stats, catalogue, pending] = await Promise.all([
      credentials.find(userId, id),
      credentials.usage(userId, id),
      analytics.credentials(userId, { ...rangeOf(period, at), limit: allOfThem }),
      loadCatalogue(),
      // One that cannot be opened cannot be pushed either; the page says so when it is edited.
      credentialPusher.pending(userId, id).catch((error: unknown) => {
        if (error instanceof AppError) return []
        throw error
      }),
    ])
    if (!credential || !usage) throw missing()
    const places = await readPlaces(db, userId, id, at)
    const own = stats.items.find(({ credentialId }) => credentialId === id)
    return renderPage(
      c,
      {
        title: credential.name,
        section: 'credentials',
        crumbs: [{ label: 'Credentials', href: '/credentials' }],
        status,
      },
      <CredentialDetail
        {...{
          pending,
          credential,
          usage,
          places,
          stats: own,
          period,
          catalogue,
          time: viewer.time,
          deletion,
        }}
      />,
    )
  }

  return new Hono<DashboardEnv>()
    .get('/:id', (c) => detailPage(c, idOf(c)))
    .post('/:id/validate', async (c) => {
      const id = idOf(c)
      const form = await readForm(c)
      const back = form.has('return') ? returnPath(form.get('return')) : `/credentials/${id}`
      try {
        const result = await credentialHealth.test(c.var.userId, id)
        if (!result) throw missing()
        const { kind, text } = verdict(result)
        return redirectWith(c, back, text, kind)
      } catch (error) {
        if (!(error instanceof AppError) || error.code === 'not-found') throw error
        return redirectWith(c, back, `Not tested: ${error.message}.`, 'wait')
      }
    })
    .post('/:id/delete', async (c) => {
      const { userId } = c.var
      const id = idOf(c)
      const form = await readForm(c)
      const credential = await credentials.find(userId, id)
      if (!credential) throw missing()
      const typed = form.get('confirm') ?? ''
      const force = form.get('force') === 'true'
      if (typed.trim() !== credential.name) {
        const errors = { confirm: `Type ${credential.name}, exactly so. Nothing was deleted.` }
        return detailPage(c, id, { typed, force, errors }, 422)
      }
      try {
        if (!(await credentials.delete(userId, id, { force }))) throw missing()
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'in-use') throw error
        const errors = { '': 'Deployments use it. Tick the box to delete it all the same.' }
        return detailPage(c, id, { typed, force, errors }, statusOf(error.code))
      }
      return redirectWith(c, '/credentials', `${credential.name} is deleted.`)
    })
}

/** @throws {AppError} `not-found` for what can be no id */
function idOf(c: Context): string {
  const parsed = CredentialId.safeParse({ id: c.req.param('id') })
  if (!parsed.success) throw missing()
  return parsed.data.id
}

function verdict({ status, message }: CredentialTestResult): Notice {
  if (status === 'valid') return { kind: 'ok', text: 'n8n signed in with it: it works.' }
  if (status === 'invalid') return { kind: 'fail', text: `Rejected: ${message}` }
  return { kind: 'wait', text: `${message}. A run will tell.` }
}

const missing = () => new AppError('not-found', 'No such credential')
