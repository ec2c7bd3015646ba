/** @module The gateway on loopback, for workerd, which cannot call it in-process. */
import { createAdaptorServer } from '@hono/node-server'
import type { Gateway } from './protocol.ts'

export interface GatewayServer {
  /** Where the driver posts, e.g. `http://127.0.0.1:5499/sql`. */
  endpoint: string
  close: () => Promise<void>
}

/**
 * Listens on 127.0.0.1 only; port 0 takes a free one. The gateway's password keeps other local processes out, and
 * pages in a browser are refused before it (a foreign Host is DNS rebinding, an Origin is a page).
 */
export async function startGatewayServer(gateway: Gateway, { port = 0 } = {}): Promise<GatewayServer> {
  const hosts = new Set<string>()
  const server = createAdaptorServer({
    fetch: (request: Request) => {
      if (!hosts.has(request.headers.get('host') ?? '') || request.headers.has('origin')) {
        return Response.json({ message: 'Only the local worker may ask here' }, { status: 403 })
      }
      return gateway.fetch(request)
    },
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The gateway has no port')
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
