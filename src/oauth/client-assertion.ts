/** @module Apps that authenticate with a signed assertion (RFC 7523) instead of being public clients. */
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { fetchJson, type GuardedJsonOptions } from './guarded-json.ts'
import { OAuthError } from './oauth-error.ts'

export const assertionAlgorithms = ['RS256', 'PS256', 'ES256', 'EdDSA']
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export class ClientAssertions {
  readonly #options: GuardedJsonOptions & { audience: string[]; now: () => Date }

  /** @param options.audience the issuer and the token endpoint of this server */
  constructor(options: GuardedJsonOptions & { audience: string[]; now: () => Date }) {
    this.#options = options
  }

  /** @throws {OAuthError} `invalid_client` */
  async verify(client: { clientId: string; jwksUri: string; assertion: string | undefined }): Promise<void> {
    const { audience, now } = this.#options
    const refused = () => new OAuthError('invalid_client', 'Send a client_assertion that the app has signed')
    if (client.assertion === undefined) throw refused()
    try {
      const { value } = await fetchJson(client.jwksUri, this.#options)
      await jwtVerify(client.assertion, createLocalJWKSet(value as JSONWebKeySet), {
        issuer: client.clientId,
        subject: client.clientId,
        audience,
        algorithms: assertionAlgorithms,
        requiredClaims: ['exp'],
        currentDate: now(),
        clockTolerance: 30,
      })
    } catch {
      throw refused()
    }
  }
}

/** The assertion of a request. @throws {OAuthError} `invalid_request` for an unknown type */
export function readAssertion(type: string | undefined, assertion: string | undefined): string | undefined {
  if (assertion !== undefined && type !== assertionType) {
    throw new OAuthError('invalid_request', `client_assertion_type must be ${assertionType}`)
  }
  return assertion
}
