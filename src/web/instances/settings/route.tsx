/** @module Adds an instance, changes its settings, API key and webhook token, and removes it. */
import { testNotice } from '../health.tsx'
import { type Context, Hono } from 'hono'
import { AppError, notFound } from '../../../errors.ts'
import { check } from '../../../http/validate.ts'
import { changeInstance, removeInstance } from '../../../instances/change.ts'
import { testConnection } from '../../../instances/connection-test.ts'
import { type Instance, InstanceChange, NewInstance } from '../../../instances/contract.ts'
import { renewTokens } from '../../../instances/set-up-reporter.ts'
import { renderPage } from '../../layout/page.tsx'
import type { DashboardDeps, DashboardEnv } from '../../context.ts'
import { errorsByField, type FormState, readForm } from '../../form-data.ts'
import { noLimit } from '../../components/period.ts'
import { readOwnCredentials, readValues, withVariableError } from '../../components/value-fields.tsx'
import { workflowInSetup } from '../../links/setup.ts'
import { redirectWith } from '../../notice.ts'
import { returnPath } from '../../return-path.ts'
import {
  NewPage,
  newFields,
  RemovePage,
  SettingsPage,
  settingsFields,
  TokenPage,
  versionOf,
} from './view.tsx'
import { instanceOf } from '../page-context.ts'
import { readInstanceCounts } from '../../../instances/queries.ts'

const list = { label: 'Instances', href: '/instances' }
const blank: FormState = { values: {}, errors: {} }

/** Errors that these forms show themselves. */
const formCodes = new Set([
  'invalid',
  'version-conflict',
  'url-not-allowed',
  'name-taken',
  'quota-exceeded',
  'in-use',
  'conflict',
])

function failureOf(error: unknown): AppError {
  if (error instanceof AppError && formCodes.has(error.code)) return error
  throw error
}

/** Assigns each error to its field. */
function fieldErrors(error: AppError, names: readonly string[]): Record<string, string> {
  if (error.code === 'name-taken') return { name: error.message }
  if (error.code === 'url-not-allowed' || error.code === 'in-use')
    return { baseUrl: error.errors?.[0]?.detail ?? error.message }
  return withVariableError(errorsByField(error, names))
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).hostname.slice(0, 128) : '')

export function settingsPages(deps: DashboardDeps) {
  const { db, now, instances, connections } = deps

  const newPage = (c: Context<DashboardEnv>, state: FormState, status: 200 | 422 = 200) =>
    renderPage(
      c,
      { title: 'Add instance', section: 'instances', crumbs: [list], status },
      <NewPage {...state} setup={workflowInSetup(state.values.return)} />,
    )

  /** The environments and credentials to choose from. */
  const choicesOf = async (c: Context<DashboardEnv>) => {
    const [environments, own] = await Promise.all([
      deps.environments.list(c.var.userId, { limit: noLimit, after: null }),
      readOwnCredentials(deps.credentials, c.var.userId),
    ])
    return { environments: environments.items.map(({ name }) => name), own }
  }

  const page = (
    c: Context<DashboardEnv>,
    instance: Instance,
    title: string,
    content: Parameters<typeof renderPage>[2],
    status: 200 | 409 | 422 = 200,
  ) => {
    const crumbs = [list, { label: instance.name, href: `/instances/${instance.id}` }]
    return renderPage(c, { title, section: 'instances', crumbs, status }, content)
  }

  async function change(
    c: Context<DashboardEnv>,
    read: (form: URLSearchParams, instance: Instance) => Record<string, string>,
  ) {
    const instance = await instanceOf(c, deps)
    const form = await readForm(c)
    const values = read(form, instance)
    const expected = form.has('expected') ? Number(form.get('expected')) : null
    try {
      // An empty field clears the value.
      const { n8nVersion, environment, variables: _, ...rest } = values
      const body = check(
        InstanceChange,
        {
          ...rest,
          ...(n8nVersion !== undefined && { n8nVersion: n8nVersion || null }),
          ...(environment !== undefined && { environment: environment || null }),
          ...readValues(form, instance),
        },
        'json',
      )
      const changed = await changeInstance(deps, c.var.userId, instance.id, body, expected)
      if (!changed) throw notFound('Instance')
      const what = body.apiKey === undefined ? 'Saved.' : `The API key of ${changed.name} was replaced.`
      return redirectWith(c, `/instances/${instance.id}`, what)
    } catch (error) {
      const errors = fieldErrors(failureOf(error), settingsFields)
      const { apiKey: _, ...shown } = values
      return page(
        c,
        instance,
        'Settings',
        <SettingsPage instance={instance} {...(await choicesOf(c))} values={shown} errors={errors} />,
        422,
      )
    }
  }

  return new Hono<DashboardEnv>()
    .get('/new', (c) => newPage(c, { values: { return: c.req.query('return') ?? '' }, errors: {} }))
    .post('/', async (c) => {
      const form = await readForm(c)
      const [typed = '', baseUrl = '', apiKey = ''] = newFields.map((field) => (form.get(field) ?? '').trim())
      const back = form.get('return') ?? ''
      const name = typed || hostOf(baseUrl)
      const again = (errors: Record<string, string>) =>
        newPage(c, { values: { name: typed, baseUrl, return: back }, errors }, 422)
      try {
        const body = check(NewInstance, { name, baseUrl, apiKey }, 'json')
        const tested =
          form.get('test') === 'no' ? null : await testConnection(connections.clientFor(baseUrl, apiKey), now)
        if (tested?.status === 'refused') return await again({ apiKey: `${tested.detail}.` })
        if (tested?.status === 'unreachable') {
          return await again({
            baseUrl: `${tested.detail}. The instance was not added. To add it anyway, select “Add without testing”.`,
          })
        }
        const { id, version } = await instances.create(c.var.userId, body)
        if (tested) await instances.recordTest(c.var.userId, id, version, tested)
        const { kind, text } = tested
          ? testNotice(name, tested)
          : { kind: 'ok' as const, text: `${name} was added without a test.` }
        return redirectWith(c, back === '' ? `/instances/${id}` : returnPath(back), text, kind)
      } catch (error) {
        return again(fieldErrors(failureOf(error), newFields))
      }
    })
    .get('/:id/settings', async (c) => {
      const [instance, choices] = await Promise.all([instanceOf(c, deps), choicesOf(c)])
      return page(c, instance, 'Settings', <SettingsPage instance={instance} {...choices} {...blank} />)
    })
    .post('/:id/settings', (c) =>
      change(c, (form, instance) => {
        const n8nVersion = form.get('n8nVersion')?.trim() ?? versionOf(instance)
        const environment = form.get('environment')
        return {
          name: form.get('name') ?? '',
          baseUrl: (form.get('baseUrl') ?? '').trim(),
          ...(n8nVersion !== versionOf(instance) && { n8nVersion }),
          ...(environment !== null && { environment }),
          ...(form.has('variables') && { variables: form.get('variables') ?? '' }),
        }
      }),
    )
    .post('/:id/key', (c) => change(c, (form) => ({ apiKey: (form.get('apiKey') ?? '').trim() })))
    .post('/:id/webhook-token', async (c) => {
      const instance = await instanceOf(c, deps)
      const { userId } = c.var
      const token = await instances.rotateWebhookToken(userId, instance.id)
      if (token === null) throw notFound('Instance')
      const renewed = await renewTokens(deps, userId, instance.id)
      return page(c, instance, 'New token', <TokenPage instance={instance} token={token} renewed={renewed} />)
    })
    .get('/:id/remove', async (c) => {
      const instance = await instanceOf(c, deps)
      const countsOf = await readInstanceCounts(db, c.var.userId)
      return page(
        c,
        instance,
        'Remove',
        <RemovePage
          instance={instance}
          counts={countsOf(instance.id)}
          typed={{ name: '', force: false }}
          errors={{}}
        />,
      )
    })
    .post('/:id/remove', async (c) => {
      const instance = await instanceOf(c, deps)
      const { userId } = c.var
      const form = await readForm(c)
      const typed = { name: form.get('name') ?? '', force: form.get('force') === 'true' }
      const again = async (errors: Record<string, string>, status: 409 | 422) => {
        const countsOf = await readInstanceCounts(db, userId)
        const counts = countsOf(instance.id)
        return page(
          c,
          instance,
          'Remove',
          <RemovePage instance={instance} counts={counts} typed={typed} errors={errors} />,
          status,
        )
      }
      if (typed.name.trim() !== instance.name) {
        return again({ name: `The name does not match. Type ${instance.name} to remove the instance.` }, 422)
      }
      try {
        if (!(await removeInstance(deps, userId, instance.id, { force: typed.force }))) {
          throw notFound('Instance')
        }
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'in-use') throw error
        return again(
          {
            '': 'Workflows are deployed on this instance. Undeploy them first, or select the option to leave them in n8n.',
          },
          409,
        )
      }
      return redirectWith(c, '/instances', `${instance.name} was removed. Its recorded runs are not deleted.`)
    })
}
