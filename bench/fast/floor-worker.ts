/** @module The floor in workerd. */
import { neon, neonConfig } from '@neondatabase/serverless'
import type { Hono } from 'hono'
import { createFloor } from './floor.ts'

interface Env {
  DATABASE_URL: string
  DATABASE_GATEWAY_URL: string
}

let app: Hono | undefined

export default {
  fetch(request: Request, env: Env): Response | Promise<Response> {
    if (!app) {
      neonConfig.fetchEndpoint = env.DATABASE_GATEWAY_URL
      app = createFloor(neon(env.DATABASE_URL, { disableWarningInBrowsers: true }))
    }
    return app.fetch(request)
  },
}
