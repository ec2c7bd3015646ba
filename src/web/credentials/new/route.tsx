/** @module `/credentials/new`: choose a type, then create the credential. */
import { isTypeName } from '../labels.ts'
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { v7 as uuidv7 } from 'uuid'
import { AppError, notFound } from '../../../errors.ts'
import { statusOf } from '../../../http/problem.ts'
import { loadCatalogue } from '../../../n8n/catalogue/catalogue.ts'
import { renderPage } from '../../layout/page.tsx'
import type { DashboardEnv } from '../../context.ts'
import { readForm } from '../../form-data.ts'
import { redirectWith } from '../../notice.ts'
import { returnPath } from '../../return-path.ts'
import { isText, readParameters } from '../../links/parameters.ts'
import { controllingNames } from '../form/type-fields.ts'
import { CredentialForm, fieldsOf, type FormInput, typeLabel } from '../form/view.tsx'
import { readRequiring } from '../../../credentials/queries.ts'
import type { CredentialPageDeps } from '../page-context.ts'
import { choicesIn, createFromForm, errorsByControl, inputOf, toFormError } from '../form/save.ts'
import { TypeChoice } from './types-view.tsx'

const crumbs = [{ label: 'Credentials', href: '/credentials' }]

export function newPages(deps: CredentialPageDeps) {
  const { requirements, db } = deps

  async function formPage(
    c: Context<DashboardEnv>,
    type: string,
    input: FormInput,
    hidden: { once: string; return: string },
    errors: Record<string, string> = {},
    status: ContentfulStatusCode = 200,
  ) {
    if (!isTypeName(type)) throw notFound('Credential type')
    const [catalogue, requiring] = await Promise.all([loadCatalogue(), readRequiring(db, c.var.userId, type)])
    return renderPage(
      c,
      { title: `Add ${typeLabel(catalogue, type)} credential`, section: 'credentials', crumbs, status },
      <CredentialForm
        catalogue={catalogue}
        type={type}
        input={input}
        errors={errors}
        hidden={hidden}
        requiring={requiring}
        change={null}
      />,
    )
  }

  return new Hono<DashboardEnv>()
    .get('/new', async (c) => {
      const { query: given, ignored } = readParameters(new URL(c.req.url).searchParams, {
        q: isText(100),
        all: () => true,
      })
      const { q: query = '', all } = given
      const [missing, catalogue] = await Promise.all([
        requirements.findMissing(c.var.userId),
        loadCatalogue(),
      ])
      return renderPage(
        c,
        { title: 'Add credential', section: 'credentials', crumbs },
        <TypeChoice
          catalogue={catalogue}
          query={query}
          all={all !== undefined}
          ignored={ignored}
          missing={missing}
        />,
      )
    })
    .get('/new/:type', async (c) => {
      const type = c.req.param('type')
      const query = c.var.restored?.fields ?? new URL(c.req.url).searchParams
      const controlling = controllingNames((await loadCatalogue()).credentialFields(type))
      const input = {
        name: (query.get('name') ?? '').slice(0, 128),
        service: '',
        typed: choicesIn(query, controlling),
        removed: new Set<string>(),
      }
      return formPage(c, type, input, { once: uuidv7(), return: query.get('return') ?? '' })
    })
    .post('/new/:type', async (c) => {
      const type = c.req.param('type')
      const form = await readForm(c)
      const input = inputOf(form)
      const hidden = { once: form.get('once') ?? '', return: form.get('return') ?? '' }
      if (form.has('update')) return formPage(c, type, input, hidden)
      const catalogue = await loadCatalogue()
      try {
        const created = await createFromForm(deps, c.var.userId, catalogue, type, form)
        if (!created)
          throw new AppError(
            'conflict',
            'This form already created a credential, which was deleted. Open a new form',
          )
        const back = hidden.return === '' ? `/credentials/${created.id}` : returnPath(hidden.return)
        return redirectWith(
          c,
          back,
          `Saved ${created.name}. Its values are encrypted. It is untested until n8n tests it.`,
        )
      } catch (error) {
        const failure = toFormError(error)
        const { controls } = fieldsOf({ catalogue, type, input, change: null })
        return formPage(c, type, input, hidden, errorsByControl(failure, controls), statusOf(failure.code))
      }
    })
}
