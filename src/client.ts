/** @module The typed client for frontends: every path, body and answer is checked against the server's routes. */
import { hc } from 'hono/client'
import type { App } from './app.ts'

/** @param accessToken from register, login or refresh; it lives 5 minutes */
export const createClient = (baseUrl: string, accessToken?: string) =>
  hc<App>(baseUrl, accessToken === undefined ? {} : { headers: { Authorization: `Bearer ${accessToken}` } })
