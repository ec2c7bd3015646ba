/** @module What an app says about itself, in a metadata document or in a registration. All of it is untrusted. */
import { isObject } from '../lib/json-object.ts'
import { readRedirectUri } from './redirect-uri.ts'
import { OAuthError } from './oauth-error.ts'

export interface ClientMetadata {
  name: string
  redirectUris: string[]
  jwksUri: string | null
}

const maxNameChars = 80
const maxRedirectUris = 30

/** @throws {OAuthError} `invalid_client_metadata`, `invalid_redirect_uri` */
export function readMetadata(value: unknown): ClientMetadata {
  if (!isObject(value)) throw invalidMetadata('The metadata must be a JSON object')
  const { client_name: name, redirect_uris: uris, jwks_uri: jwksUri } = value
  if (name !== undefined && typeof name !== 'string') throw invalidMetadata('client_name must be a string')
  if (!Array.isArray(uris) || uris.length === 0 || uris.length > maxRedirectUris) {
    throw invalidRedirectUri(`redirect_uris must have 1 to ${maxRedirectUris} URIs`)
  }
  const redirectUris = uris.map((uri) => {
    if (typeof uri === 'string' && readRedirectUri(uri)) return uri
    throw invalidRedirectUri(
      'Each redirect URI must use https, http on loopback, or the private scheme of the app, without a fragment',
    )
  })
  return {
    name: displayName(name ?? ''),
    redirectUris: [...new Set(redirectUris)],
    jwksUri: typeof jwksUri === 'string' ? jwksUri : null,
  }
}

/** One short line without characters that hide or reorder text. */
function displayName(text: string): string {
  const shown = text
    .toWellFormed()
    .normalize('NFKC')
    .replaceAll(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
  return Array.from(shown).slice(0, maxNameChars).join('').trim() || 'Unnamed app'
}

export const invalidMetadata = (description: string) => new OAuthError('invalid_client_metadata', description)
const invalidRedirectUri = (description: string) => new OAuthError('invalid_redirect_uri', description)
