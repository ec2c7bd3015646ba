/** @module The floor on Node, in a process of its own: reads PORT and DATABASE_URL. Its gateway is in-process, like Flowkeep's. */
import { createAdaptorServer } from '@hono/node-server'
import { neon, neonConfig } from '@neondatabase/serverless'
import { postgresBackend } from '../../src/db/gateway/postgres.ts'
import { createGateway } from '../../src/db/gateway/protocol.ts'
import { createFloor } from './floor.ts'

const gateway = createGateway(postgresBackend(process.env['DATABASE_URL'] ?? '', { ssl: false }))
neonConfig.fetchFunction = (_: string, init: RequestInit) =>
  gateway.fetch(new Request('http://gateway.internal/sql', init))
const floor = createFloor(neon(gateway.url))
createAdaptorServer({ fetch: (request: Request) => floor.fetch(request) }).listen(
  Number(process.env['PORT']),
  '127.0.0.1',
)
