import { typedFields } from './save.ts'
import type { FormInput } from './view.tsx'

/** Of a query only choices: nobody's address bar is to hold more. */
export function chosenIn(query: URLSearchParams, controlling: ReadonlySet<string>): Map<string, string> {
  return new Map([...typedFields(query)].filter(([name]) => controlling.has(name)))
}

export const inputOf = (form: URLSearchParams): FormInput => ({
  name: form.get('name') ?? '',
  service: form.get('service') ?? '',
  typed: typedFields(form),
  removed: new Set(form.getAll('remove')),
})
