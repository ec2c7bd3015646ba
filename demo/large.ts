/** @module `npm run demo -- --large`: creates an account with history directly in the database, then serves it. */
import { randomBytes } from 'node:crypto'
import { parseConfig } from '../src/config.ts'
import { createDeps } from '../src/deps.ts'
import { AppError } from '../src/errors.ts'
import { nodeRuntime } from '../src/node.ts'
import { openDatabase } from '../src/cli/operate/database.ts'
import { type DemoAccount, seedLargeDemo, type SeedSummary } from './large/seed.ts'
import { dev } from '../src/cli/server/dev.ts'
import { runtimeOf } from '../src/cli/server/server-process.ts'
import { ensureKeys, loadKeys, passedSettings } from '../src/cli/server/state.ts'
import { serverUrlOf } from '../src/cli/variables.ts'

/** @throws {Error} when a server is using the embedded database */
export async function demoLarge(options: { onNode: boolean }): Promise<void> {
  const url = serverUrlOf(process.env)
  const isServed = (await runtimeOf(url)) !== null
  if (isServed && !process.env.DATABASE_URL) {
    throw new Error(
      `The server at ${url} is using the embedded database. Stop it, then run this command again.`,
    )
  }
  ensureKeys()
  const { account, summary } = await seedDatabase()
  const banner = describe(url, account, summary)
  if (isServed) console.log(banner)
  else await dev({ ...options, onReady: () => console.log(`\n${banner}`) })
}

async function seedDatabase(): Promise<{ account: DemoAccount; summary: SeedSummary }> {
  const database = openDatabase()
  try {
    console.log('Creating a demo account with 60 days of history…')
    await database.migrate()
    const config = parseConfig({
      PUBLIC_URL: process.env.PUBLIC_URL || serverUrlOf(process.env),
      LOG_LEVEL: 'error',
      ...passedSettings(),
      ...loadKeys(),
      DATABASE_URL: database.url,
    })
    const clock = { now: new Date() }
    const deps = createDeps(config, {
      ...nodeRuntime({ fetch: database.fetch, config }),
      now: () => clock.now,
    })
    const password = randomBytes(9).toString('base64url')
    return await seedFirstFree(
      ['demo@example.com', `demo-${randomBytes(3).toString('hex')}@example.com`],
      (email) => {
        clock.now = new Date()
        const account = { email, name: 'Maya Keller', password }
        return seedLargeDemo(deps, clock, account, (line) => console.log(line)).then((summary) => ({
          account,
          summary,
        }))
      },
    )
  } finally {
    await database.close()
  }
}

/** Unique, so that a second run creates a second account. */
async function seedFirstFree<T>(emails: string[], seed: (email: string) => Promise<T>): Promise<T> {
  const [email = '', ...others] = emails
  try {
    return await seed(email)
  } catch (error) {
    if (others.length === 0 || !(error instanceof AppError && error.code === 'email-taken')) throw error
    return seedFirstFree(others, seed)
  }
}

function describe(url: string, { email, password }: DemoAccount, summary: SeedSummary): string {
  const { workflows, versions, executions, durationMs } = summary
  return [
    `${workflows} workflows, ${versions} versions and ${executions.toLocaleString('en')} runs, created in ${Math.round(durationMs / 1000)} s.`,
    `  Sign in   ${url}`,
    `  Email     ${email}`,
    `  Password  ${password}`,
  ].join('\n')
}
