/** Declares only this module of workerd, because the full Workers types would shadow the web types. */
declare module 'cloudflare:workers' {
  export function waitUntil(promise: Promise<unknown>): void
  /** The bindings of `wrangler.toml`, besides variables and secrets. */
  export const env: { ASSETS?: { fetch: (url: string, init?: RequestInit) => Promise<Response> } }
}
