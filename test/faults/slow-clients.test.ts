/** F11: clients that send one byte a second, to Node. On Workers, Cloudflare receives requests before the worker starts. */
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTarget, type Target } from '../harness/target.ts'
import { percentile } from '../harness/percentile.ts'
import { isFull, scaled } from './world.ts'

const sockets = scaled(200, 40)
const requests = 100
/** A server waits longer for a body than for headers. */
const kinds = isFull ? ['headers', 'body'] : ['headers']

let target: Target
beforeAll(async () => {
  target = await startTarget({ runtime: 'node' })
})
afterAll(() => target?.close())

const beginnings: Record<string, string> = {
  headers: 'POST /v1/auth/login HTTP/1.1\r\nHost: flowkeep.localhost\r\nX-Slow: ',
  body: 'POST /v1/auth/login HTTP/1.1\r\nHost: flowkeep.localhost\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n',
}

/** @returns when the server has ended the connection: the seconds since its first byte */
function slowly(beginning: string, opened: Socket[]): Promise<number> {
  const startedAt = performance.now()
  return new Promise((resolve) => {
    const socket = connect(Number(target.url.port), '127.0.0.1', () => socket.write(beginning))
    opened.push(socket)
    const timer = setInterval(() => socket.write('a'), 1000)
    socket.on('error', () => undefined)
    socket.resume().once('close', () => {
      clearInterval(timer)
      resolve((performance.now() - startedAt) / 1000)
    })
  })
}

test.each(kinds)(
  `F11: while ${sockets} clients send their %s at one byte a second, others are served, and the server ends the connections`,
  async (kind) => {
    const user = await target.user()
    const opened: Socket[] = []
    const ended = Promise.all(Array.from({ length: sockets }, () => slowly(beginnings[kind]!, opened)))
    await expect.poll(() => opened.every(({ connecting }) => !connecting)).toBe(true)
    const times: number[] = []
    let meanwhile = 0
    for (let index = 0; index < requests; index += 1) {
      const startedAt = performance.now()
      expect((await user.call('GET', '/v1/workflows')).status).toBe(200)
      times.push(performance.now() - startedAt)
      if (opened.every(({ destroyed }) => !destroyed)) meanwhile += 1
    }
    expect(meanwhile).toBeGreaterThan(0)
    times.sort((one, other) => one - other)
    const longest = Math.max(...(await ended))
    console.log(
      `F11: ${sockets} slow clients (${kind}) are disconnected after at most ${longest.toFixed(0)} s; ` +
        `other requests: p50 ${percentile(times, 0.5)} ms, p99 ${percentile(times, 0.99)} ms`,
    )
  },
)
