/** @module Adds, tests and deletes channels, and shows a new signing secret once. */
import { type Context, Hono } from 'hono'
import { NewAlertChannel } from '../../../alerts/contract.ts'
import { notFound } from '../../../errors.ts'
import { check } from '../../../http/validate.ts'
import type { DashboardEnv } from '../../context.ts'
import { errorsByField, type FormState, readForm } from '../../form-data.ts'
import { renderPage } from '../../layout/page.tsx'
import { redirectWith } from '../../notice.ts'
import { type AlertPageDeps, failureOf, idOf, listCrumb, section } from '../page-context.ts'
import { NewChannelPage, SecretPage } from './view.tsx'

const fields = ['kind', 'name', 'url']

export function alertChannelPages({ alerts }: AlertPageDeps) {
  const newPage = (c: Context<DashboardEnv>, state: FormState, status: 200 | 422 = 200) =>
    renderPage(
      c,
      { title: 'Add channel', section, crumbs: [listCrumb], status },
      <NewChannelPage {...state} canSendMail={alerts.canSendMail} email={c.var.user.email} />,
    )
  const secretPage = (c: Context<DashboardEnv>, secret: string) =>
    renderPage(c, { title: 'Signing secret', section, crumbs: [listCrumb] }, <SecretPage secret={secret} />)
  return new Hono<DashboardEnv>()
    .get('/channels/new', (c) => newPage(c, { values: {}, errors: {} }))
    .post('/channels', async (c) => {
      const form = await readForm(c)
      const [kind = '', name = '', url = ''] = fields.map((field) => (form.get(field) ?? '').trim())
      try {
        const body = check(NewAlertChannel, { kind, name, ...(url !== '' && { url }) }, 'json')
        const created = await alerts.createChannel(c.var.userId, body)
        if (created.signingSecret !== null) return await secretPage(c, created.signingSecret)
        return redirectWith(c, '/alerts', `${name} was added. Send a test to check it.`)
      } catch (error) {
        const failure = failureOf(error)
        const errors =
          failure.code === 'name-taken' ? { name: failure.message } : errorsByField(failure, fields)
        return newPage(c, { values: { kind, name }, errors }, 422)
      }
    })
    .post('/channels/:id/test', async (c) => {
      const result = await alerts.testChannel(c.var.userId, idOf(c, 'Channel'))
      if (!result) throw notFound('Channel')
      if (result.ok) return redirectWith(c, '/alerts', 'The test message was delivered.')
      return redirectWith(c, '/alerts', `The test message was not delivered. ${result.detail}.`, 'fail')
    })
    .post('/channels/:id/secret', async (c) => {
      const secret = await alerts.rotateSecret(c.var.userId, idOf(c, 'Channel'))
      if (secret === null) throw notFound('Channel')
      return secretPage(c, secret)
    })
    .post('/channels/:id/delete', async (c) => {
      if (!(await alerts.deleteChannel(c.var.userId, idOf(c, 'Channel')))) throw notFound('Channel')
      return redirectWith(c, '/alerts', 'Channel deleted.')
    })
}
