/** @module `/metrics`, for Prometheus. Not part of the API: its callers are operators. */
import { type Context, Hono } from 'hono'
import { notFound } from '../errors.ts'
import { bearerToken } from '../http/auth.ts'
import type { BaseEnv } from '../http/env.ts'
import { sha256 } from '../lib/encoding.ts'
import { openMetricsType } from '../telemetry/openmetrics.ts'
import type { Monitoring } from './monitoring.ts'

/** @param isLocal whether a request comes from this machine and not through a proxy; only asked if no token is set */
export function metricsRoutes(
  { token, render }: Pick<Monitoring, 'token' | 'render'>,
  isLocal: (c: Context<BaseEnv>) => boolean = () => false,
) {
  return new Hono<BaseEnv>().get('/', async (c) => {
    const isAllowed =
      token === undefined ? isLocal(c) : await isSame(bearerToken(c.req.header('Authorization')) ?? '', token)
    if (!isAllowed) throw notFound('The resource')
    return c.body(await render(), 200, { 'Content-Type': openMetricsType })
  })
}

/** Takes the same time for every difference. */
async function isSame(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([sha256(a), sha256(b)])
  return left.reduce((difference, byte, at) => difference | (byte ^ (right[at] ?? 0)), 0) === 0
}
