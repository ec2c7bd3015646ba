import { Hono } from 'hono'
import { limited, type NetworkLimit } from './network-limit.ts'
import { describe } from './openapi.ts'
import type { BaseEnv } from './env.ts'
import * as z from 'zod'

const Live = z.object({ status: z.literal('live'), runtime: z.enum(['workerd', 'node']) })
const Ready = z.object({ status: z.literal('ready') })

/** @param ready resolves when the database responds, its schema is current and every key can decrypt its secrets */
export function healthRoutes(
  runtime: 'workerd' | 'node',
  ready: () => Promise<void>,
  networkLimit: NetworkLimit,
) {
  return new Hono<BaseEnv>()
    .get(
      '/live',
      describe({
        operationId: 'getLiveness',
        tag: 'Health',
        summary: 'Check that the process is alive',
        description: 'Does not touch the database.',
        responses: { 200: Live },
        public: true,
      }),
      (c) => c.json({ status: 'live', runtime } as const),
    )
    .get(
      '/ready',
      describe({
        operationId: 'getHealth',
        tag: 'Health',
        summary: 'Check that the server is ready',
        description:
          'Ready means that the database responds, its schema is current and every key can decrypt its ' +
          'secrets. A network can send 100 requests, then 10 a second.',
        responses: { 200: Ready },
        errors: ['database-unavailable', 'key-unavailable', 'too-many-requests'],
        public: true,
      }),
      limited(networkLimit),
      async (c) => {
        await ready()
        return c.json({ status: 'ready' } as const)
      },
    )
}
