/** @module The production server on Node. Unlike `dev` it makes no key, migrates nothing and has no embedded database. */
import { startNode } from '../node.ts'
import { openDatabase } from './database.ts'
import { portFromEnvironment } from './state.ts'

export async function serve(): Promise<void> {
  if (!process.env.DATABASE_URL) throw new Error('DATABASE_URL is missing.')
  const port = portFromEnvironment()
  const host = process.env.HOST ?? '0.0.0.0'
  const database = openDatabase()
  const replica = process.env.DATABASE_REPLICA_URL
    ? openDatabase(process.env.DATABASE_REPLICA_URL, 'DATABASE_REPLICA_URL')
    : undefined
  try {
    const env = { ...process.env, DATABASE_URL: database.url, DATABASE_REPLICA_URL: replica?.url }
    const server = await startNode({
      env,
      port,
      host,
      fetch: database.fetch,
      replicaFetch: replica?.fetch,
    })
    console.log(JSON.stringify({ level: 'info', event: 'listening', host, port }))
    await new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
    })
    await server.close()
  } finally {
    await replica?.close()
    await database.close()
  }
}
