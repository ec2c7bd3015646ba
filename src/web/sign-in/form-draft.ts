/**
 * @module The non-secret fields of a form whose session has expired, sealed for the user who opened the form. The
 * sign-in page carries the sealed text; nothing is stored. It opens for an hour and for no other user.
 */
import * as z from 'zod'
import { base64url } from 'jose'
import type { SecretBox, SecretContext } from '../../crypto/secret-box.ts'
import { AppError } from '../../errors.ts'
import { secretNameKind } from '../../lib/secrets/names.ts'
import { hourMs } from '../../lib/time.ts'
import { returnPath } from '../return-path.ts'

/** Of a form's body, and of a sign-in that carries a sealed form. */
export const draftLimitBytes = 4 * 1024 * 1024
/** Of a sealed form. The sign-in that carries it has other fields as well. */
const maxSealedChars = draftLimitBytes - 16 * 1024
const hidden = { owner: '_owner', page: '_page', secret: '_secret' }

const Draft = z.strictObject({
  sealedAt: z.number(),
  action: z.string(),
  page: z.string(),
  fields: z.array(z.tuple([z.string(), z.string()])),
  secrets: z.array(z.string()),
})
export type FormDraft = Omit<z.infer<typeof Draft>, 'sealedAt'>

export const ownerOf = (form: URLSearchParams): string | null =>
  z.uuid().safeParse(form.get(hidden.owner)).data ?? null

/**
 * Forms mark their secret fields. Names that mean a secret count as well, in case a form does not.
 * @param action the path that the form was posted to
 */
export function draftOf(form: URLSearchParams, action: string): FormDraft {
  const marked = new Set(form.getAll(hidden.secret))
  const isSecret = (name: string) => marked.has(name) || name === 'json' || meansSecret(name)
  const entries = [...form].filter(([name]) => !Object.values(hidden).includes(name))
  return {
    action,
    page: form.has(hidden.page) ? returnPath(form.get(hidden.page)) : returnPath(action),
    fields: entries.filter(([name]) => !isSecret(name)),
    secrets: [...new Set(entries.flatMap(([name, value]) => (isSecret(name) && value !== '' ? [name] : [])))],
  }
}

/** The last part of names such as `data.accessToken`. */
function meansSecret(name: string): boolean {
  const kind = secretNameKind(name.split('.').at(-1) ?? '')
  return kind !== null && kind !== 'parameter'
}

const contextOf = (userId: string): SecretContext => ({
  purpose: 'form-draft',
  userId,
  rowId: 'sign-in',
  type: 'form',
})

/** Null if the form is too large to be carried. */
export async function sealDraft(
  box: SecretBox,
  userId: string,
  draft: FormDraft,
  now: Date,
): Promise<string | null> {
  const sealed = await box.seal(contextOf(userId), { ...draft, sealedAt: now.getTime() })
  const text = base64url.encode(JSON.stringify(sealed))
  return text.length <= maxSealedChars ? text : null
}

/** Null if it was sealed for another user, is too old or is not a sealed form. */
export async function openDraft(
  box: SecretBox,
  userId: string,
  sealed: string,
  now: Date,
): Promise<FormDraft | null> {
  try {
    const text = new TextDecoder().decode(base64url.decode(sealed))
    const draft = Draft.parse(await box.open(contextOf(userId), JSON.parse(text)))
    return now.getTime() - draft.sealedAt > hourMs ? null : draft
  } catch (error) {
    if (error instanceof AppError && error.code === 'key-unavailable') throw error
    return null
  }
}
