/** @module Parameters of requests to the OAuth endpoints. */
import { OAuthError } from './oauth-error.ts'

/** The resource that tokens are for (RFC 8707, RFC 9728). */
export const resourceOf = (publicUrl: string): string => `${publicUrl}/mcp`

export class Parameters {
  readonly #fields: URLSearchParams

  constructor(fields: URLSearchParams) {
    this.#fields = fields
  }

  /** An empty value counts as absent (RFC 6749 §3.1). @throws {OAuthError} `invalid_request` for a repeated one */
  get(name: string): string | undefined {
    const values = this.#fields.getAll(name)
    if (values.length > 1) throw new OAuthError('invalid_request', `${name} must not be repeated`)
    return values[0] || undefined
  }

  /** @throws {OAuthError} `invalid_request` */
  require(name: string): string {
    const value = this.get(name)
    if (value === undefined) throw new OAuthError('invalid_request', `${name} is required`)
    return value
  }

  /** Absent in requests of earlier clients. @throws {OAuthError} `invalid_target` for another resource */
  requireResource(publicUrl: string): void {
    const resource = resourceOf(publicUrl)
    const given = this.#fields.getAll('resource').filter((value) => value !== '')
    const isOther = (value: string) =>
      !URL.canParse(value) || new URL(value).href.replace(/\/$/, '') !== new URL(resource).href
    if (given.some(isOther)) throw new OAuthError('invalid_target', `resource must be ${resource}`)
  }
}
