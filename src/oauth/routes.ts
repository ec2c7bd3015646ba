/** @module The endpoints that apps call: discovery, registration, tokens and revocation. The consent page is in the dashboard. */
import { type Context, Hono } from 'hono'
import { AppError, type ErrorCode } from '../errors.ts'
import type { BaseEnv } from '../http/env.ts'
import { limited, limitFailures, type NetworkLimit } from '../http/network-limit.ts'
import { parseJson, readText, readFormFields } from '../http/validate.ts'
import { isStorable } from '../lib/storable-text.ts'
import { readAssertion } from './client-assertion.ts'
import { invalidMetadata, readMetadata } from './client-metadata.ts'
import type { OAuthClients } from './clients.ts'
import type { IssuedTokens, OAuthGrants } from './grants.ts'
import { resourceMetadata, serverMetadata } from './metadata.ts'
import { OAuthError } from './oauth-error.ts'
import { Parameters } from './parameters.ts'

export interface OAuthRouteDeps {
  config: { publicUrl: string }
  oauth: {
    clients: OAuthClients
    grants: OAuthGrants
    claimRegistration: (clientIp: string) => Promise<void>
  }
  networkLimit: NetworkLimit
}

const bodyLimitBytes = 16 * 1024
const verifier = /^[A-Za-z0-9._~-]{43,128}$/

/** Mounted at `/.well-known`. The paths of RFC 8414 and RFC 9728 end with the path of the URL that they are about. */
export function discoveryRoutes(publicUrl: string) {
  const prefix = new URL(publicUrl).pathname.replace(/\/$/, '')
  const app = new Hono<BaseEnv>()
  const serve = (path: string, document: object) =>
    app.get(path, (c) => c.json(document, 200, { 'Cache-Control': 'public, max-age=300' }))
  for (const suffix of new Set(['', '/mcp', `${prefix}/mcp`])) {
    serve(`/oauth-protected-resource${suffix}`, resourceMetadata(publicUrl))
  }
  for (const suffix of new Set(['', prefix])) {
    serve(`/oauth-authorization-server${suffix}`, serverMetadata(publicUrl))
  }
  return app
}

export function oauthRoutes({
  config,
  oauth: { clients, grants, claimRegistration },
  networkLimit,
}: OAuthRouteDeps) {
  const { publicUrl } = config
  return new Hono<BaseEnv>()
    .post('/register', limited(networkLimit), (c) =>
      answering(c, async () => {
        const text = await readText(c, bodyLimitBytes)
        if (!isStorable(text)) throw invalidMetadata('The metadata contains characters that cannot be stored')
        const metadata = readMetadata(parseJson(text).value)
        await claimRegistration(c.var.clientIp)
        const { id, createdAt } = await clients.register(metadata)
        const registered = {
          client_id: id,
          client_id_issued_at: Math.floor(createdAt.getTime() / 1000),
          client_name: metadata.name,
          redirect_uris: metadata.redirectUris,
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
          token_endpoint_auth_method: 'none',
        }
        return c.json(registered, 201)
      }),
    )
    .post('/token', (c) =>
      answering(c, () =>
        limitFailures(
          networkLimit,
          c.var.clientIp,
          (error) => error instanceof OAuthError,
          async () => {
            const parameters = new Parameters(await readFormFields(c, bodyLimitBytes))
            const grantType = parameters.require('grant_type')
            const tokens =
              grantType === 'authorization_code'
                ? await exchange(parameters)
                : grantType === 'refresh_token'
                  ? await refresh(parameters)
                  : null
            if (!tokens) {
              throw new OAuthError(
                'unsupported_grant_type',
                'grant_type must be authorization_code or refresh_token',
              )
            }
            return c.json(responseOf(tokens), 200)
          },
        ),
      ),
    )
    .post('/revoke', limited(networkLimit), (c) =>
      answering(c, async () => {
        const parameters = new Parameters(await readFormFields(c, bodyLimitBytes))
        await grants.revoke(parameters.require('token'), parameters.require('client_id'))
        return c.body(null, 200)
      }),
    )

  function exchange(parameters: Parameters): Promise<IssuedTokens> {
    const request = {
      code: parameters.require('code'),
      clientId: parameters.require('client_id'),
      redirectUri: parameters.require('redirect_uri'),
      codeVerifier: parameters.require('code_verifier'),
      assertion: assertionOf(parameters),
    }
    if (!verifier.test(request.codeVerifier)) {
      throw new OAuthError('invalid_request', 'code_verifier must have 43 to 128 unreserved characters')
    }
    parameters.requireResource(publicUrl)
    return grants.exchange(request)
  }

  function refresh(parameters: Parameters): Promise<IssuedTokens> {
    parameters.requireResource(publicUrl)
    return grants.refresh({
      refreshToken: parameters.require('refresh_token'),
      clientId: parameters.require('client_id'),
      scope: parameters.get('scope'),
      assertion: assertionOf(parameters),
    })
  }
}

const assertionOf = (parameters: Parameters) =>
  readAssertion(parameters.get('client_assertion_type'), parameters.get('client_assertion'))

const responseOf = ({ accessToken, refreshToken, expiresInSeconds, scopes }: IssuedTokens) => ({
  access_token: accessToken,
  token_type: 'Bearer',
  expires_in: expiresInSeconds,
  refresh_token: refreshToken,
  scope: scopes.join(' '),
})

const unreadable = new Set<ErrorCode>(['malformed-json', 'unsupported-media-type', 'invalid'])
const unreadableRequest = ({ message }: AppError) => new OAuthError('invalid_request', message)

/** Responds to an `OAuthError` in the form of RFC 6749 §5.2. Other errors become problem documents. */
async function answering(c: Context, work: () => Promise<Response>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  try {
    return await work()
  } catch (error) {
    const failure = error instanceof AppError && unreadable.has(error.code) ? unreadableRequest(error) : error
    if (!(failure instanceof OAuthError)) throw failure
    const body = { error: failure.code, error_description: failure.message }
    return c.json(body, failure.code === 'invalid_client' ? 401 : 400)
  }
}
