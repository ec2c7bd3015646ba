/** @module The documents by which a client finds the endpoints (RFC 8414, RFC 9728). */
import { assertionAlgorithms } from './client-assertion.ts'
import { resourceOf } from './parameters.ts'
import { offeredScopes, suggestedScopes } from './scopes.ts'

export const resourceMetadata = (publicUrl: string) => ({
  resource: resourceOf(publicUrl),
  authorization_servers: [publicUrl],
  scopes_supported: suggestedScopes,
  bearer_methods_supported: ['header'],
  resource_name: 'Flowkeep',
  resource_documentation: `${publicUrl}/docs/guide/mcp`,
})

export const tokenEndpointOf = (publicUrl: string): string => `${publicUrl}/oauth/token`

export const serverMetadata = (publicUrl: string) => ({
  issuer: publicUrl,
  authorization_endpoint: `${publicUrl}/oauth/authorize`,
  token_endpoint: tokenEndpointOf(publicUrl),
  registration_endpoint: `${publicUrl}/oauth/register`,
  revocation_endpoint: `${publicUrl}/oauth/revoke`,
  scopes_supported: offeredScopes,
  response_types_supported: ['code'],
  response_modes_supported: ['query'],
  grant_types_supported: ['authorization_code', 'refresh_token'],
  code_challenge_methods_supported: ['S256'],
  token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
  token_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
  revocation_endpoint_auth_methods_supported: ['none'],
  client_id_metadata_document_supported: true,
  authorization_response_iss_parameter_supported: true,
  service_documentation: `${publicUrl}/docs/guide/mcp`,
})

/** For the challenge of `/mcp`. */
export const resourceMetadataUrl = (publicUrl: string): string =>
  `${publicUrl}/.well-known/oauth-protected-resource/mcp`
