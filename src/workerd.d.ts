/** The one runtime module of workerd that is imported; the rest of the Workers types would shadow the web's. */
declare module 'cloudflare:workers' {
  export function waitUntil(promise: Promise<unknown>): void
}
