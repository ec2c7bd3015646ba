import { isContainer } from '../../lib/json-object.ts'

/** Whether it makes no difference that n8n ignores the value. */
export function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false) return true
  if (Array.isArray(value)) return value.length === 0
  return isContainer(value) && Object.values(value).every(isEmpty)
}
