/** @module `/credentials/:id`: shows, tests and deletes a credential. */
import { IdParam, Uuid } from '../../../lib/scalars.ts'
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { type CredentialTestResult } from '../../../credentials/contract.ts'
import { AppError, notFound } from '../../../errors.ts'
import { statusOf } from '../../../http/problem.ts'
import { loadCatalogue } from '../../../n8n/catalogue/catalogue.ts'
import { renderPage } from '../../layout/page.tsx'
import type { DashboardEnv } from '../../context.ts'
import { readForm } from '../../form-data.ts'
import { type Notice, redirectWith } from '../../notice.ts'
import { returnPath } from '../../return-path.ts'
import { type DeletionState, emptyDeletion } from './delete-card.tsx'
import { CredentialDetail } from './view.tsx'
import { noLimit, periodNamed, rangeOf, shortPeriods } from '../../components/period.ts'
import { readPlaces } from '../../../credentials/queries.ts'
import type { CredentialPageDeps } from '../page-context.ts'

export function detailPages(deps: CredentialPageDeps) {
  const { credentials, credentialHealth, credentialPusher, analytics, db, now } = deps

  async function detailPage(
    c: Context<DashboardEnv>,
    id: string,
    deletion: DeletionState = emptyDeletion,
    status: ContentfulStatusCode = 200,
  ) {
    const { userId, viewer } = c.var
    const period = periodNamed(c.req.query('period'), shortPeriods)
    const at = now()
    const [credential, usage, stats, places, catalogue, pending] = await Promise.all([
      credentials.find(userId, id),
      credentials.usage(userId, id),
      analytics.credentials(userId, { ...rangeOf(period, at), limit: noLimit }),
      readPlaces(db, userId, id, at),
      loadCatalogue(),
      // A credential that cannot be decrypted cannot be pushed either. The edit page reports it.
      credentialPusher.pending(userId, id).catch((error: unknown) => {
        if (error instanceof AppError) return []
        throw error
      }),
    ])
    if (!credential || !usage) throw notFound('Credential')
    const ownStats = stats.items.find(({ credentialId }) => credentialId === id)
    return renderPage(
      c,
      {
        title: credential.name,
        section: 'credentials',
        crumbs: [{ label: 'Credentials', href: '/credentials' }],
        status,
      },
      <CredentialDetail
        pending={pending}
        credential={credential}
        usage={usage}
        places={places}
        stats={ownStats}
        period={period}
        catalogue={catalogue}
        time={viewer.time}
        deletion={deletion}
      />,
    )
  }

  /**
   * Tests the credential on an instance. Pushes it first if the instance does not have its current values.
   * @throws {AppError} as `CredentialHealth.test` and `CredentialPusher.push`
   */
  async function testOn(userId: string, id: string, instance: string): Promise<Notice> {
    const instanceId = Uuid.safeParse(instance).data
    if (instanceId === undefined) throw notFound('Instance')
    try {
      return testNotice(await credentialHealth.test(userId, id, instanceId))
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'conflict') throw error
    }
    const pushed = await credentialPusher.push(userId, id, instanceId)
    const failed = pushed?.results.find(({ status }) => status === 'failed')
    if (failed) return { kind: 'fail', text: `Not pushed to ${failed.instanceName}: ${failed.reason}` }
    return testNotice(await credentialHealth.test(userId, id, instanceId))
  }

  return new Hono<DashboardEnv>()
    .get('/:id', (c) => detailPage(c, idOf(c)))
    .post('/:id/validate', async (c) => {
      const id = idOf(c)
      const form = await readForm(c)
      const back = form.has('return') ? returnPath(form.get('return')) : `/credentials/${id}`
      const instance = form.get('instance')
      try {
        const { kind, text } = instance
          ? await testOn(c.var.userId, id, instance)
          : testNotice(await credentialHealth.test(c.var.userId, id))
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
      if (!credential) throw notFound('Credential')
      const typed = form.get('confirm') ?? ''
      const force = form.get('force') === 'true'
      if (typed.trim() !== credential.name) {
        const errors = {
          confirm: `The name does not match. Type ${credential.name} to delete the credential.`,
        }
        return detailPage(c, id, { typed, force, errors }, 422)
      }
      try {
        if (!(await credentials.delete(userId, id, { force }))) throw notFound('Credential')
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'in-use') throw error
        const errors = { '': 'Deployments use this credential. Select the checkbox to delete it anyway.' }
        return detailPage(c, id, { typed, force, errors }, statusOf(error.code))
      }
      return redirectWith(c, '/credentials', `Deleted ${credential.name}.`)
    })
}

/** @throws {AppError} `not-found` if the path has no valid ID */
function idOf(c: Context): string {
  const parsed = IdParam.safeParse({ id: c.req.param('id') })
  if (!parsed.success) throw notFound('Credential')
  return parsed.data.id
}

/** @throws {AppError} `not-found` for a credential that does not exist */
function testNotice(result: CredentialTestResult | null): Notice {
  if (!result) throw notFound('Credential')
  const { status, message } = result
  if (status === 'valid') return { kind: 'ok', text: 'Credential works: n8n signed in with it.' }
  if (status === 'invalid') return { kind: 'fail', text: `Rejected: ${message}` }
  return { kind: 'wait', text: `Not tested: ${message}. The next run will show whether it works.` }
}
