/** @module The account of `npm run demo -- --large` in a test database. */
import { seedLargeDemo } from '../../demo/large/seed.ts'
import { createDeps } from '../../src/deps.ts'
import { nodeRuntime } from '../../src/node.ts'
import type { TestApp } from './app.ts'

export const demoAccount = {
  email: 'maya@northwind.example',
  name: 'Maya Keller',
  password: 'a-demo-to-look-at',
}

/** @param now the end of its history */
export function seedDemoInto({ deps, database }: TestApp, now: Date) {
  const clock = { now }
  const { config } = deps
  const runtime = nodeRuntime({ fetch: database.gateway.fetch, config })
  const quiet = { passwordCost: 4, writeLog: () => undefined }
  return seedLargeDemo(createDeps(config, { ...runtime, ...quiet, now: () => clock.now }), clock, demoAccount)
}
