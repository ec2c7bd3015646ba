/** @module Requests for access (RFC 6749 §4.1.1, RFC 7636, RFC 8707). */
import type { Scope } from '../http/scopes.ts'
import type { OAuthClient, OAuthClients } from './clients.ts'
import { OAuthError } from './oauth-error.ts'
import { Parameters } from './parameters.ts'
import { isRegisteredUri, readRedirectUri, type RedirectTarget, withResponse } from './redirect-uri.ts'
import { requestedScopes } from './scopes.ts'

/** Where to send the response, once the app and its redirect URI are verified. */
export interface VerifiedClient {
  client: OAuthClient
  redirectUri: string
  target: RedirectTarget
}

export interface AuthorizationRequest {
  scopes: Scope[]
  codeChallenge: string
}

/**
 * The app and its redirect URI. Nothing may be sent to the URI before.
 * @param userId null before signing in: then a document is not fetched
 * @returns null if only a document, which is not fetched, could verify them
 * @throws {OAuthError} to be shown to the user; `AppError` `too-many-requests`
 */
export async function verifyClient(
  query: URLSearchParams,
  clients: OAuthClients,
  userId: string | null,
): Promise<VerifiedClient | null> {
  const parameters = new Parameters(query)
  const clientId = parameters.require('client_id')
  const redirectUri = parameters.require('redirect_uri')
  const client = await clients.find(clientId, userId)
  if (client === 'not-fetched') return null
  if (!client) {
    throw new OAuthError('invalid_client', 'The app is not registered, or its registration has expired')
  }
  const target = readRedirectUri(redirectUri)
  if (!target || !isRegisteredUri(redirectUri, client.redirectUris)) {
    throw new OAuthError('invalid_request', 'The app did not register this redirect_uri')
  }
  return { client, redirectUri, target }
}

/** @throws {OAuthError} to be sent to the redirect URI */
export function readRequest(query: URLSearchParams, publicUrl: string): AuthorizationRequest {
  const parameters = new Parameters(query)
  if (parameters.require('response_type') !== 'code') {
    throw new OAuthError('unsupported_response_type', 'response_type must be code')
  }
  if ((parameters.get('response_mode') ?? 'query') !== 'query') {
    throw new OAuthError('invalid_request', 'response_mode must be query')
  }
  if (parameters.get('code_challenge_method') !== 'S256') {
    throw new OAuthError('invalid_request', 'code_challenge_method must be S256')
  }
  const codeChallenge = parameters.require('code_challenge')
  if (!/^[\w-]{43}$/.test(codeChallenge)) {
    throw new OAuthError('invalid_request', 'code_challenge must be a SHA-256 digest in base64url')
  }
  parameters.requireResource(publicUrl)
  const scopes = requestedScopes(parameters.get('scope'))
  if (!scopes) throw new OAuthError('invalid_scope', 'No app can get these scopes')
  return { scopes, codeChallenge }
}

/** The redirect URI with the response, the state and the issuer (RFC 9207). */
export function responseUri(
  redirectUri: string,
  query: URLSearchParams,
  publicUrl: string,
  response: { code: string } | OAuthError,
): string {
  const answer =
    response instanceof OAuthError
      ? { error: response.code, error_description: response.message }
      : { code: response.code }
  const [state] = query.getAll('state')
  return withResponse(redirectUri, { ...answer, state, iss: publicUrl })
}
