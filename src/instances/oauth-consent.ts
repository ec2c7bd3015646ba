/**
 * @module Whether somebody has signed in for an OAuth2 credential that n8n holds. n8n's API never shows a credential's
 * data; the one sign is its test (measured on 2.41.1): for an OAuth2 type it looks whether there is an access token.
 */
import type { N8nClient } from '../n8n/api-client.ts'
import { N8nError } from '../n8n/api-transport.ts'

/** `unknown`: this n8n, this API key or this credential type does not tell. */
export type Consent = 'given' | 'missing' | 'unknown'

const notConnected = /not connected to an account/i

/** @throws {N8nError} `not-found` when n8n has no such credential, and whatever else n8n fails with */
export async function oauthConsent(
  client: Pick<N8nClient, 'capabilities' | 'testCredential'>,
  n8nCredentialId: string,
): Promise<Consent> {
  if (!(await client.capabilities()).credentialTest) return 'unknown'
  try {
    const { ok, message } = await client.testCredential(n8nCredentialId)
    if (ok) return 'given'
    return notConnected.test(message) ? 'missing' : 'unknown'
  } catch (error) {
    if (error instanceof N8nError && error.kind === 'forbidden') return 'unknown'
    throw error
  }
}

/** The page of n8n's editor where the owner of a credential signs in. */
export const consentUrl = (baseUrl: string, n8nCredentialId: string): string =>
  `${baseUrl}/home/credentials/${encodeURIComponent(n8nCredentialId)}`
