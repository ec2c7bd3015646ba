/** @module Serves the gateway on loopback for workerd, which cannot call it in-process. */
import { createAdaptorServer } from '@hono/node-server'
import type { Gateway } from './protocol.ts'

export interface GatewayServer {
  /** For the driver, e.g. `http://127.0.0.1:5499/sql`. */
  endpoint: string
  close: () => Promise<void>
}

/**
 * Listens only on 127.0.0.1; port 0 selects a free port. The gateway's password keeps out other local processes. Requests
 * from web pages are rejected by their headers: a foreign Host means DNS rebinding, an Origin means a page.
 */
export async function startGatewayServer(gateway: Gateway, { port = 0 } = {}): Promise<GatewayServer> {
  const hosts = new Set<string>()
  const server = createAdaptorServer({
    fetch: (request: Request) => {
      if (!hosts.has(request.headers.get('host') ?? '') || request.headers.has('origin')) {
        return Response.json({ message: 'Only the local worker may use this gateway' }, { status: 403 })
      }
      return gateway.fetch(request)
    },
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string')
    throw new Error('The gateway is not listening on a port')
  const { port: bound } = address
  hosts.add(`127.0.0.1:${bound}`).add(`localhost:${bound}`)
  return {
    endpoint: `http://127.0.0.1:${bound}/sql`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()))
        if ('closeAllConnections' in server) server.closeAllConnections()
      }),
  }
}
