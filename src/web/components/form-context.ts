/** @module What forms know without being told by their page: the user, and the input that a session's end interrupted. */
import { createContext } from 'hono/jsx'

/** A form that was submitted after the session ended. */
export interface RestoredForm {
  /** The form's `action`. */
  action: string
  /** Without secrets. */
  fields: URLSearchParams
  /** Names of the secret fields that had a value. */
  secrets: readonly string[]
}

/** Of a page. `owner` is null without a session. */
export const formContext = createContext<{ owner: string | null; restored: RestoredForm | null }>({
  owner: null,
  restored: null,
})

/** Of one form. */
export const formValues = createContext<{ restored: URLSearchParams | null; secrets: readonly string[] }>({
  restored: null,
  secrets: [],
})
