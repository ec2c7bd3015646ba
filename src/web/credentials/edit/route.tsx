/** @module `/credentials/:id/edit`: renames a credential and replaces the values that the form has. */
import { IdParam } from '../../../lib/scalars.ts'
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { type Credential } from '../../../credentials/contract.ts'
import { AppError, notFound } from '../../../errors.ts'
import { statusOf } from '../../../http/problem.ts'
import { loadCatalogue } from '../../../n8n/catalogue/catalogue.ts'
import { renderPage } from '../../layout/page.tsx'
import type { DashboardEnv } from '../../context.ts'
import { readForm } from '../../form-data.ts'
import { redirectWith } from '../../notice.ts'
import { controllingNames } from '../form/type-fields.ts'
import { CredentialForm, fieldsOf, type FormInput } from '../form/view.tsx'
import { readRequiring } from '../../../credentials/queries.ts'
import type { CredentialPageDeps } from '../page-context.ts'
import {
  type Changed,
  choicesIn,
  errorsByControl,
  inputOf,
  toFormError,
  updateFromForm,
} from '../form/save.ts'

interface Opened {
  credential: Credential
  /** Null if it cannot be decrypted; `problem` says why. */
  stored: Record<string, unknown> | null
  problem: string | null
}

export function editPages({ credentials, db }: CredentialPageDeps) {
  /**
   * The stored values are used only to decide which fields to show and to encrypt them again with the new values.
   * @throws {AppError} `not-found`, `key-unavailable`
   */
  async function open(userId: string, id: string): Promise<Opened> {
    if (!IdParam.safeParse({ id }).success) throw notFound('Credential')
    try {
      const opened = await credentials.open(userId, id)
      if (!opened) throw notFound('Credential')
      return { credential: opened.credential, stored: opened.data.reveal(), problem: null }
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'credential-undecryptable') throw error
      const credential = await credentials.find(userId, id)
      if (!credential) throw notFound('Credential')
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
    // After a conflict, the form has the newer version: the user has seen the conflict and may save again.
    const hidden = { version: String(version) }
    return renderPage(
      c,
      { title: 'Edit', section: 'credentials', crumbs, status },
      <CredentialForm
        catalogue={catalogue}
        type={type}
        input={input}
        errors={errors}
        hidden={hidden}
        requiring={requiring}
        change={opened}
      />,
    )
  }

  return new Hono<DashboardEnv>()
    .get('/:id/edit', async (c) => {
      const opened = await open(c.var.userId, c.req.param('id'))
      const { name, type } = opened.credential
      const controlling = controllingNames((await loadCatalogue()).credentialFields(type))
      const typed = choicesIn(c.var.restored?.fields ?? new URL(c.req.url).searchParams, controlling)
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
        // `stored` belongs to this version. The update checks the version again.
        if (version !== credential.version) throw versionConflict()
        const saved = await updateFromForm(credentials, c.var.userId, catalogue, credential, {
          form,
          version,
          stored,
        })
        if (!saved) throw notFound('Credential')
        return redirectWith(c, `/credentials/${credential.id}`, savedMessage(saved.credential, saved.changed))
      } catch (error) {
        const failure = toFormError(error)
        const isConflict = failure.code === 'version-conflict'
        const current = isConflict ? await open(c.var.userId, credential.id) : opened
        const { controls } = fieldsOf({ catalogue, type: credential.type, input, change: current })
        const errors = isConflict ? { '': conflictText } : errorsByControl(failure, controls)
        return formPage(c, current, input, errors, statusOf(failure.code))
      }
    })
}

const conflictText =
  'The credential was changed elsewhere while you were editing. Your changes are not saved. Enter secrets again, then save to overwrite the newer version.'

function savedMessage({ name }: Credential, changed: readonly Changed[]): string {
  if (changed.length === 0) return 'No changes to save.'
  if (!changed.includes('values')) return `Renamed to ${name}. Push the credential to rename it in n8n.`
  return `Saved ${name}. Push it to update it in n8n, then test it.`
}

const versionConflict = () => new AppError('version-conflict', 'The credential has changed')
