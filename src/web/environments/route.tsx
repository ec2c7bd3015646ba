/** @module `/environments`: lists, creates, changes and deletes environments. */
import { type Context, Hono } from 'hono'
import { type Environment, EnvironmentChange, NewEnvironment } from '../../environments/contract.ts'
import { AppError, notFound, requireFound } from '../../errors.ts'
import { statusOf } from '../../http/problem.ts'
import { check } from '../../http/validate.ts'
import { IdParam } from '../../lib/scalars.ts'
import { noLimit } from '../components/period.ts'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { errorsByField, type FormState, readForm } from '../form-data.ts'
import { renderPage } from '../layout/page.tsx'
import { redirectWith } from '../notice.ts'
import { readOwnCredentials, readValues, withVariableError } from '../components/value-fields.tsx'
import { DetailPage, ListPage, NewPage, path } from './view.tsx'

const section = 'instances' as const
const list = { label: 'Environments', href: path }
const blank: FormState = { values: {}, errors: {} }

const formCodes = new Set([
  'invalid',
  'name-taken',
  'quota-exceeded',
  'version-conflict',
  'conflict',
  'in-use',
])

/** @throws `error`, unless the form shows it */
function failureOf(error: unknown): AppError {
  if (error instanceof AppError && formCodes.has(error.code)) return error
  throw error
}

function fieldErrors(error: AppError): Record<string, string> {
  if (error.code === 'name-taken') return { name: error.message }
  const errors = errorsByField(error, ['name', 'variables', 'isProduction'])
  return withVariableError(errors)
}

function idOf(c: Context<DashboardEnv>): string {
  const { data } = IdParam.safeParse({ id: c.req.param('id') })
  if (!data) throw notFound('Environment')
  return data.id
}

const shown = (form: URLSearchParams) => ({
  name: form.get('name') ?? '',
  variables: form.get('variables') ?? '',
  isProduction: form.get('isProduction') ?? '',
})

export function environmentPages({
  environments,
  instances,
  credentials,
}: Pick<DashboardDeps, 'environments' | 'instances' | 'credentials'>) {
  const all = { limit: noLimit, after: null }
  const ownCredentials = (c: Context<DashboardEnv>) => readOwnCredentials(credentials, c.var.userId)

  const newPage = async (c: Context<DashboardEnv>, state: FormState, status = 200) =>
    renderPage(
      c,
      { title: 'Add environment', section, crumbs: [list], status: status as 200 },
      <NewPage environment={null} own={await ownCredentials(c)} {...state} />,
    )

  async function detailPage(c: Context<DashboardEnv>, state: FormState, status = 200) {
    const [found, own, { items }] = await Promise.all([
      environments.find(c.var.userId, idOf(c)),
      ownCredentials(c),
      instances.list(c.var.userId, all),
    ])
    const environment = requireFound(found, 'Environment')
    const members = items.filter((each) => each.environment === environment.name)
    return renderPage(
      c,
      { title: environment.name, section, crumbs: [list], status: status as 200 },
      <DetailPage environment={environment} own={own} instances={members} {...state} />,
    )
  }

  return new Hono<DashboardEnv>()
    .get('/', async (c) => {
      const { items } = await environments.list(c.var.userId, all)
      return renderPage(c, { title: 'Environments', section }, <ListPage environments={items} />)
    })
    .get('/new', (c) => newPage(c, blank))
    .post('/', async (c) => {
      const form = await readForm(c)
      try {
        const { name, isProduction } = shown(form)
        const values = readValues(form, { variables: {}, credentials: [] })
        const body = check(NewEnvironment, { name, isProduction: isProduction === 'true', ...values }, 'json')
        const { id } = await environments.create(c.var.userId, body)
        return redirectWith(c, `${path}/${id}`, `${body.name} was added.`)
      } catch (error) {
        const failure = failureOf(error)
        return newPage(c, { values: shown(form), errors: fieldErrors(failure) }, statusOf(failure.code))
      }
    })
    .get('/:id', (c) => detailPage(c, blank))
    .post('/:id', async (c) => {
      const form = await readForm(c)
      const id = idOf(c)
      try {
        const stored = requireFound(await environments.find(c.var.userId, id), 'Environment')
        const { name, isProduction } = shown(form)
        const change = changeOf(stored, { name, isProduction: isProduction === 'true' })
        const body = check(EnvironmentChange, { ...change, ...readValues(form, stored) }, 'json')
        const expected = form.has('expected') ? Number(form.get('expected')) : null
        requireFound(await environments.update(c.var.userId, id, body, expected), 'Environment')
        return redirectWith(c, `${path}/${id}`, 'Saved. Deploy the workflows again to send changed values.')
      } catch (error) {
        const failure = failureOf(error)
        return detailPage(c, { values: shown(form), errors: fieldErrors(failure) }, statusOf(failure.code))
      }
    })
    .post('/:id/delete', async (c) => {
      const id = idOf(c)
      try {
        if (!(await environments.delete(c.var.userId, id))) throw notFound('Environment')
        return redirectWith(c, path, 'The environment was deleted.')
      } catch (error) {
        return redirectWith(c, `${path}/${id}`, `${failureOf(error).message}.`, 'fail')
      }
    })
}

const changeOf = (
  stored: Environment,
  { name, isProduction }: { name: string; isProduction: boolean },
): EnvironmentChange => ({
  ...(name.trim() !== stored.name && { name }),
  ...(isProduction !== stored.isProduction && { isProduction }),
})
