/** @module What the fakes of key management services share: a local HTTP server, faults, and sealing with authenticated data. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface KmsRequest {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: string
}

export interface KmsAnswer {
  status: number
  body: unknown
}

export interface FakeServer {
  url: string
  /** Method and path of every request. */
  requests: string[]
  /** Answers the next requests before the service sees them; null closes the connection. */
  faults: (KmsAnswer | null)[]
  close: () => Promise<void>
}

export async function serve(
  handle: (request: KmsRequest) => KmsAnswer | Promise<KmsAnswer>,
): Promise<FakeServer> {
  const requests: string[] = []
  const faults: FakeServer['faults'] = []
  async function respond(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = incoming
    const body = await text(incoming)
    requests.push(`${method} ${path}`)
    const answer =
      faults.length > 0 ? (faults.shift() ?? null) : await handle({ method, path, headers, body })
    if (answer === null) {
      response.destroy()
      return
    }
    response.writeHead(answer.status, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify(answer.body))
  }
  const server = createServer((incoming, response) => void respond(incoming, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    faults,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** AES-256-GCM as `iv ‖ tag ‖ ciphertext` in base64. */
export function sealed(key: Buffer, plaintext: Buffer, authenticated: string): string {
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(authenticated))
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), ciphertext]).toString('base64')
}

/** Null if the key or the authenticated data differ. */
export function opened(key: Buffer, base64: string, authenticated: string): Buffer | null {
  const bytes = Buffer.from(base64, 'base64')
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
      .setAAD(Buffer.from(authenticated))
      .setAuthTag(bytes.subarray(12, 28))
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()])
  } catch {
    return null
  }
}

export function jsonOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}
