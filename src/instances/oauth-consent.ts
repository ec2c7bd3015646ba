/**
 * @module Checks whether a user has signed in for an OAuth2 credential in n8n. n8n's API never returns credential data;
 * only its credential test reveals whether an OAuth2 credential has an access token (verified on 2.41.1).
 */
import type { N8nClient } from '../n8n/api/client.ts'
import { isN8nError } from '../n8n/api/transport.ts'

/** `unknown`: this n8n, API key or credential type does not support the check. */
export type Consent = 'given' | 'missing' | 'unknown'

const notConnected = /not connected to an account/i

/** @throws {N8nError} `not-found` when n8n has no such credential, or any other n8n error */
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
    if (isN8nError(error, 'forbidden')) return 'unknown'
    throw error
  }
}

/** The page of n8n's editor where the owner of a credential signs in. */
export const consentUrl = (baseUrl: string, n8nCredentialId: string): string =>
  `${baseUrl}/home/credentials/${encodeURIComponent(n8nCredentialId)}`
