/** Declares only this module of workerd, because the full Workers types would shadow the web types. */
declare module 'cloudflare:workers' {
  export function waitUntil(promise: Promise<unknown>): void
}
