import { Hono } from 'hono'
import { describe } from './openapi.ts'
import type { BaseEnv } from './env.ts'
import * as z from 'zod'

const Live = z.object({ status: z.literal('live'), runtime: z.enum(['workerd', 'node']) })
const Ready = z.object({ status: z.literal('ready') })

/** @param ready resolves when the database answers, its schema is current and every key opens what it sealed */
export function healthRoutes(runtime: 'workerd' | 'node', ready: () => Promise<void>) {
  return new Hono<BaseEnv>()
    .get(
      '/live',
      describe({ tag: 'Health', summary: 'The process answers', responses: { 200: Live }, public: true }),
      (c) => c.json({ status: 'live', runtime } as const),
    )
    .get(
      '/ready',
      describe({
        tag: 'Health',
        summary: 'Database, schema and keys are usable',
        responses: { 200: Ready },
        errors: ['database-unavailable', 'key-unavailable'],
        public: true,
      }),
      async (c) => {
        await ready()
        return c.json({ status: 'ready' } as const)
      },
    )
}
