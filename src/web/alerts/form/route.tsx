/** @module Adds, changes, mutes and deletes alert rules, and replays messages. */
import { type Context, Hono } from 'hono'
import { AlertRuleChange, NewAlertRule, ruleKinds, scopes } from '../../../alerts/contract.ts'
import { readScopeChoices } from '../../../alerts/queries.ts'
import { type AlertRuleKind, alertRuleKinds } from '../../../db/schema/alerts.ts'
import { notFound, requireFound } from '../../../errors.ts'
import { check } from '../../../http/validate.ts'
import { isUuid } from '../../../lib/scalars.ts'
import { hourMs } from '../../../lib/time.ts'
import { noLimit } from '../../components/period.ts'
import type { DashboardEnv } from '../../context.ts'
import { errorsByField, type FormState, readForm } from '../../form-data.ts'
import { renderPage } from '../../layout/page.tsx'
import { redirectWith } from '../../notice.ts'
import { type AlertPageDeps, failureOf, idOf, listCrumb, section } from '../page-context.ts'
import { EditRulePage, formFields, KindPage, NewRulePage } from './view.tsx'

const kindOf = (text: string | null | undefined): AlertRuleKind | undefined =>
  alertRuleKinds.find((kind) => kind === text)

const all = { limit: noLimit, after: null }
const maxMuteHours = 24 * 30

/** The parameters of the kind. A value that is not a number stays text, which the contract rejects. */
const parametersOf = (kind: AlertRuleKind, form: URLSearchParams) =>
  Object.fromEntries(
    Object.keys(ruleKinds[kind].defaults).map((name) => {
      const text = (form.get(name) ?? '').trim()
      return [name, text === '' || Number.isNaN(Number(text)) ? text : Number(text)]
    }),
  )

export function alertFormPages({ alerts, db, now, deliverAlertsSoon }: AlertPageDeps) {
  async function newPage(
    c: Context<DashboardEnv>,
    kind: AlertRuleKind,
    state: FormState & { channelIds: string[] | null },
    status: 200 | 422 = 200,
  ) {
    const { userId } = c.var
    const [choices, channels] = await Promise.all([
      readScopeChoices(db, userId),
      alerts.listChannels(userId, all),
    ])
    const channelIds = state.channelIds ?? channels.items.map(({ id }) => id)
    return renderPage(
      c,
      { title: 'Add rule', section, crumbs: [listCrumb], status },
      <NewRulePage
        {...state}
        kind={kind}
        choices={choices}
        channels={channels.items}
        channelIds={channelIds}
      />,
    )
  }

  return new Hono<DashboardEnv>()
    .get('/new', (c) => {
      const kind = kindOf(c.req.query('kind'))
      const given = c.req.query('workflow') ?? ''
      const workflow = isUuid(given) ? given : null
      if (kind) {
        const values = workflow === null ? {} : { workflowId: workflow }
        return newPage(c, kind, { values, errors: {}, channelIds: null })
      }
      return renderPage(
        c,
        { title: 'Add rule', section, crumbs: [listCrumb] },
        <KindPage workflow={workflow} />,
      )
    })
    .post('/', async (c) => {
      const form = await readForm(c)
      const kind = kindOf(form.get('kind')) ?? 'error-rate'
      const channelIds = form.getAll('channelIds')
      const chosen = scopes.flatMap((scope) => {
        const id = form.get(scope) ?? ''
        return id === '' ? [] : [[scope, id] as const]
      })
      try {
        const body = { kind, ...Object.fromEntries(chosen), parameters: parametersOf(kind, form), channelIds }
        const rule = await alerts.createRule(c.var.userId, check(NewAlertRule, body, 'json'))
        return redirectWith(c, '/alerts', `Rule added. ${rule.sentence}.`)
      } catch (error) {
        const errors = errorsByField(failureOf(error), formFields)
        return newPage(c, kind, { values: Object.fromEntries(form), errors, channelIds }, 422)
      }
    })
    .get('/:id', async (c) => {
      const { userId } = c.var
      const [rule, channels] = await Promise.all([
        alerts.findRule(userId, idOf(c, 'Alert rule')),
        alerts.listChannels(userId, all),
      ])
      const found = requireFound(rule, 'Alert rule')
      const values = Object.fromEntries(
        Object.entries(found.parameters).map(([name, value]) => [name, String(value)]),
      )
      return renderPage(
        c,
        { title: 'Rule', section, crumbs: [listCrumb] },
        <EditRulePage
          rule={found}
          kind={found.kind}
          channels={channels.items}
          channelIds={found.channelIds}
          values={values}
          errors={{}}
        />,
      )
    })
    .post('/:id', async (c) => {
      const { userId } = c.var
      const rule = requireFound(await alerts.findRule(userId, idOf(c, 'Alert rule')), 'Alert rule')
      const form = await readForm(c)
      const channelIds = form.getAll('channelIds')
      try {
        const enabled = form.get('enabled') === 'true'
        const body = { parameters: parametersOf(rule.kind, form), channelIds, enabled }
        const expected = form.has('expected') ? Number(form.get('expected')) : null
        const change = check(AlertRuleChange, body, 'json')
        requireFound(await alerts.updateRule(userId, rule.id, change, expected), 'Alert rule')
        return redirectWith(c, '/alerts', 'Saved.')
      } catch (error) {
        const errors = errorsByField(failureOf(error), formFields)
        const channels = await alerts.listChannels(userId, all)
        return renderPage(
          c,
          { title: 'Rule', section, crumbs: [listCrumb], status: 422 },
          <EditRulePage
            rule={rule}
            kind={rule.kind}
            channels={channels.items}
            channelIds={channelIds}
            values={Object.fromEntries(form)}
            errors={errors}
          />,
        )
      }
    })
    .post('/:id/mute', async (c) => {
      const hours = Number((await readForm(c)).get('hours'))
      const isMute = hours > 0 && hours <= maxMuteHours
      const mutedUntil = isMute ? new Date(now().getTime() + hours * hourMs) : null
      const rule = await alerts.updateRule(c.var.userId, idOf(c, 'Alert rule'), { mutedUntil }, null)
      if (!rule) throw notFound('Alert rule')
      return redirectWith(c, '/alerts', isMute ? `Muted for ${hours} hours.` : 'Unmuted.')
    })
    .post('/:id/delete', async (c) => {
      if (!(await alerts.deleteRule(c.var.userId, idOf(c, 'Alert rule')))) throw notFound('Alert rule')
      return redirectWith(c, '/alerts', 'Rule deleted.')
    })
    .post('/deliveries/:id/replay', async (c) => {
      const delivery = await alerts.replay(c.var.userId, idOf(c, 'Message'))
      if (!delivery) throw notFound('Message')
      deliverAlertsSoon()
      return redirectWith(c, '/alerts', 'The message will be sent again.')
    })
}
