/** @module `/credentials/:id/edit`: another name, and other values for those that are given. */
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { type Credential, CredentialId } from '../../../credentials/contract.ts'
import { AppError } from '../../../errors.ts'
import { statusOf } from '../../../http/problem.ts'
import { loadCatalogue } from '../../../n8n/catalogue.ts'
import { renderPage } from '../../layout/page.tsx'
import type { DashboardEnv } from '../../context.ts'
import { readForm } from '../../form-data.ts'
import { redirectWith } from '../../notice.ts'
import { controllingNames } from '../form/fields.ts'
import { CredentialForm, fieldsOf, type FormInput } from '../form/view.tsx'
import { chosenIn, inputOf } from '../form/input.ts'
import { readRequiring } from '../../../credentials/queries.ts'
import type { CredentialPageDeps } from '../page-context.ts'
import { type Changed, changeFrom, errorsByControl, sayable } from '../form/save.ts'

interface Opened {
  credential: Credential
  /** Null when it cannot be opened, for the reason given. */
  stored: Record<string, unknown> | null
  problem: string | null
}

export function changePages({ credentials, db }: CredentialPageDeps) {
  /**
   * The stored values leave it for two ends only: to tell which fields are shown, and to be sealed again beside new ones.
   * @throws {AppError} `not-found`, `key-unavailable`
   */
  async function open(userId: string, id: string): Promise<Opened> {
    if (!CredentialId.safeParse({ id }).success) throw missing()
    try {
      const opened = await credentials.open(userId, id)
      if (!opened) throw missing()
      return { credential: opened.credential, stored: opened.data.reveal(), problem: null }
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'credential-undecryptable') throw error
      const credential = await credentials.find(userId, id)
      if (!credential) throw missing()
      return { credential, stored: null, problem: `${error.message}.` }
    }
  }

  async function formPage(
    c: Context<DashboardEnv>,
    opened: Opened,
    input: FormInput,
    errors: Record<string, string> = {},
    status: ContentfulStatusCode = 200,
  ) {
    const { id, name, type, version } = opened.credential
    const [catalogue, requiring] = await Promise.all([loadCatalogue(), readRequiring(db, c.var.userId, type)])
    const crumbs = [
      { label: 'Credentials', href: '/credentials' },
      { label: name, href: `/credentials/${id}` },
    ]
    // After a conflict the form is one of the newer version: whoever sends it again has been told.
    const hidden = { version: String(version) }
    return renderPage(
      c,
      { title: 'Edit', section: 'credentials', crumbs, status },
      <CredentialForm {...{ catalogue, type, input, errors, hidden, requiring, change: opened }} />,
    )
  }

  return new Hono<DashboardEnv>()
    .get('/:id/edit', async (c) => {
      const opened = await open(c.var.userId, c.req.param('id'))
      const { name, type } = opened.credential
      const controlling = controllingNames((await loadCatalogue()).credentialFields(type))
      const typed = chosenIn(new URL(c.req.url).searchParams, controlling)
      return formPage(c, opened, { name, service: '', typed, removed: new Set() })
    })
    .post('/:id/edit', async (c) => {
      const form = await readForm(c)
      const opened = await open(c.var.userId, c.req.param('id'))
      const { credential, stored } = opened
      const input = inputOf(form)
      if (form.has('update')) return formPage(c, opened, input)
      const catalogue = await loadCatalogue()
      try {
        const version = Number(form.get('version'))
        // `stored` is of this version; the update makes sure that it still is.
        if (version !== credential.version) throw changedMeanwhile()
        const saved = await changeFrom(credentials, c.var.userId, catalogue, credential, {
          form,
          version,
          stored,
        })
        if (!saved) throw missing()
        return redirectWith(c, `/credentials/${credential.id}`, told(saved.credential, saved.changed))
      } catch (error) {
        const failure = sayable(error)
        const isConflict = failure.code === 'version-conflict'
        const current = isConflict ? await open(c.var.userId, credential.id) : opened
        const { controls } = fieldsOf({ catalogue, type: credential.type, input, change: current })
        const errors = isConflict ? { '': conflictText } : errorsByControl(failure, controls)
        return formPage(c, current, input, errors, statusOf(failure.code))
      }
    })
}

const conflictText =
  'It was changed elsewhere while you were at it. Nothing of yours is saved yet: what you typed still stands here, secrets apart. Save again to put it over the newer one.'

function told({ name }: Credential, changed: readonly Changed[]): string {
  if (changed.length === 0) return 'Nothing was changed.'
  if (!changed.includes('values')) return `Renamed to ${name}. Push it to rename it in n8n.`
  return `${name} is saved and counts as untested. Push it to update the value in n8n.`
}

const missing = () => new AppError('not-found', 'No such credential')
const changedMeanwhile = () => new AppError('version-conflict', 'The credential has changed since')
