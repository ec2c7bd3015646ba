/** @module A host for workflows to call. Records requests, so that a test sees which secret was sent where. */
import { createServer, type IncomingHttpHeaders } from 'node:http'

export interface Received {
  path: string
  headers: IncomingHttpHeaders
}

export interface Receiver {
  url: string
  /** With its port, like in a plan. */
  host: string
  received: Received[]
  close: () => Promise<void>
}

export async function createReceiver(): Promise<Receiver> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    received.push({ path: request.url ?? '', headers: request.headers })
    response.setHeader('Content-Type', 'application/json')
    response.end('{"ok":true}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (!address || typeof address !== 'object') throw new Error('The receiver has no port')
  const host = `127.0.0.1:${address.port}`
  return {
    url: `http://${host}`,
    host,
    received,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
