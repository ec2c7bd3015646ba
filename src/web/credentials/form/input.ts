import { typedFields } from './save.ts'
import type { FormInput } from './view.tsx'

/** Only the choices in a query. Other values do not belong in a URL. */
export function choicesIn(query: URLSearchParams, controlling: ReadonlySet<string>): Map<string, string> {
  return new Map([...typedFields(query)].filter(([name]) => controlling.has(name)))
}

export const inputOf = (form: URLSearchParams): FormInput => ({
  name: form.get('name') ?? '',
  service: form.get('service') ?? '',
  typed: typedFields(form),
  removed: new Set(form.getAll('remove')),
})
