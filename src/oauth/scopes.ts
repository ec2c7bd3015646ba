/** @module The scopes that an app can get: those of the MCP tools. */
import { type Scope, scopes as allScopes } from '../http/scopes.ts'

/** What an app needs to build, to deploy outside production and to repair. The challenge of `/mcp` names them. */
export const suggestedScopes = [
  'workflows:read',
  'workflows:write',
  'credentials:use',
  'deployments:read',
  'deploy',
  'executions:read',
] as const satisfies readonly Scope[]

/** No app gets any other scope. */
export const offeredScopes: readonly Scope[] = [...suggestedScopes, 'deploy:production']

/** For a request without `scope`: reading. */
const defaultScopes: readonly Scope[] = ['workflows:read', 'deployments:read', 'executions:read']

/** Scopes of OpenID Connect and of refresh tokens, which mean nothing here. Every app gets a refresh token. */
const ignoredScopes = new Set(['offline_access', 'openid', 'profile', 'email'])

/** The user has to select them. */
export const isHarmful = (scope: Scope): boolean => scope === 'deploy:production'

/**
 * Ignores scopes that no app can get: the response names the scopes that the app gets (RFC 6749 §3.3).
 * @returns null if none is left
 */
export function requestedScopes(text: string | undefined): Scope[] | null {
  const names = scopeNames(text).filter((name) => !ignoredScopes.has(name))
  if (names.length === 0) return [...defaultScopes]
  const offered = offeredScopes.filter((scope) => names.includes(scope))
  return offered.length === 0 ? null : offered
}

/**
 * The scopes of a renewed token: at most those that the app has.
 * @returns null for a scope that it does not have
 */
export function renewedScopes(text: string | undefined, granted: readonly string[]): Scope[] | null {
  const names = scopeNames(text).filter((name) => !ignoredScopes.has(name))
  if (names.some((name) => !granted.includes(name))) return null
  return allScopes.filter((scope) => (names.length === 0 ? granted.includes(scope) : names.includes(scope)))
}

const scopeNames = (text: string | undefined): string[] =>
  (text ?? '').split(' ').filter((name) => name !== '')
