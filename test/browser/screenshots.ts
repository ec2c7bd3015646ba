/**
 * @module `npm run screenshots [folder] [--readme]`: captures every page of the dashboard with the large demo and with an
 * empty account, at desktop and phone widths, light and dark. `--readme` only updates the screenshots of the README.
 */
import { createAdaptorServer } from '@hono/node-server'
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { openDatabase } from '../../src/cli/operate/database.ts'
import { seedLargeDemo } from '../../demo/large/seed.ts'
import { generateKeys } from '../../src/cli/server/state.ts'
import { parseConfig } from '../../src/config.ts'
import { createApp } from '../../src/app.ts'
import { createDeps, type Deps } from '../../src/deps.ts'
import { nodeRuntime } from '../../src/node.ts'
import { chromiumPath, hasChromium, launchChromium, openTab, type Tab } from './chromium.ts'
import { crawl } from './crawl.ts'
import { startDemoServers } from './demo-servers.ts'

const account = { email: 'maya@northwind.example', name: 'Maya Keller', password: 'a-demo-to-look-at' }
const newcomer = { email: 'sam@northwind.example', name: 'Sam Doe', password: 'a-demo-to-look-at' }
const sizes = { 1440: { width: 1440, height: 900 }, 390: { width: 390, height: 844 } } as const
const looks = ([1440, 390] as const).flatMap((width) =>
  (['light', 'dark'] as const).map((colorScheme) => ({ width, colorScheme })),
)
/** Only the first screen of a smaller desktop, to limit the file size in the repository. */
const readmeDesk = { width: 1180, height: 720 }
const readmeShots = [
  { name: 'overview', path: 'overview', width: 1440, colorScheme: 'light' },
  { name: 'workflow', path: 'workflow', width: 1440, colorScheme: 'dark' },
  { name: 'run', path: 'run', width: 1440, colorScheme: 'light' },
  { name: 'overview-phone', path: 'overview', width: 390, colorScheme: 'dark' },
] as const
const readmeFolder = join(import.meta.dirname, 'screenshots')

async function main(args: string[]): Promise<void> {
  const folder = resolve(args.find((arg) => !arg.startsWith('--')) ?? 'screenshots')
  if (!args.includes('--readme')) mkdirSync(folder, { recursive: true })
  const state = mkdtempSync(join(tmpdir(), 'flowkeep-screenshots-'))
  process.env.FLOWKEEP_STATE = state
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const database = openDatabase('')
  const env = { PUBLIC_URL: origin, LOG_LEVEL: 'error', DATABASE_URL: database.url, ...generateKeys() }
  try {
    await database.migrate()
    const config = parseConfig(env)
    const clock = { now: lastWednesday() }
    const now = () => clock.now
    const n8n = await startDemoServers(now)
    const runtime = nodeRuntime({ fetch: database.fetch, config })
    const deps = createDeps(config, { ...runtime, now, instanceFetch: n8n.fetch })
    const { executions, durationMs } = await seedLargeDemo(deps, clock, account)
    await n8n.edit(deps)
    console.log(`${executions} runs seeded in ${Math.round(durationMs / 1000)} s`)
    const password = await deps.hasher.hash(newcomer.password, 'operator')
    await deps.users.create({ email: newcomer.email, name: newcomer.name, password })
    const examples = await findExamples(deps)
    const server = createAdaptorServer({ fetch: createApp(deps).fetch })
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    const browser = await launchChromium()
    try {
      for (const look of looks) {
        const tab = await openTab(browser, {
          origin,
          viewport: sizes[look.width],
          colorScheme: look.colorScheme,
          reducedMotion: 'reduce',
          ...(look.width === 390 && { isMobile: true, hasTouch: true }),
        })
        if (args.includes('--readme')) await shootReadme(tab, look, examples)
        else await shootAll(tab, folder, `${look.width}-${look.colorScheme}`, examples)
        for (const fault of tab.faults) console.log(`  fault: ${fault}`)
        await tab.close()
      }
    } finally {
      await browser.close()
      server.close()
    }
  } finally {
    await database.close()
    rmSync(state, { recursive: true, force: true })
  }
}

/** A busy time of a working day: 14:06 in Berlin. The server's clock is fixed at this time. */
function lastWednesday(): Date {
  const dayMs = 24 * 60 * 60 * 1000
  const today = new Date(Math.floor(Date.now() / dayMs) * dayMs)
  const daysSince = (today.getUTCDay() + 4) % 7 || 7
  return new Date(today.getTime() - daysSince * dayMs + (13 * 60 + 6) * 60_000)
}

type Examples = Record<
  'overview' | 'run' | 'workflow' | 'deployment' | 'drift' | 'credential' | 'instance' | 'plan' | 'blocked',
  string
>

/** The resources with the most content. */
async function findExamples({ db }: Deps): Promise<Examples> {
  const [found] = await db.$client`
    select
      (select e.id from executions e join workflows w on w.id = e.workflow_id
        where w.name = 'Support triage' and e.status = 'error' order by e.recorded_at desc limit 1) as run,
      (select id from workflows where name = 'Support triage') as workflow,
      (select d.id from deployments d join workflows w on w.id = d.workflow_id join instances i on i.id = d.instance_id
        where w.name = 'Support triage' and i.name = 'prod-eu-1') as deployment,
      (select d.id from deployments d join workflows w on w.id = d.workflow_id
        where w.name = 'Deal desk alerts') as drifted,
      (select id from workflows where name = 'Newsletter drafts') as undeployed,
      (select id from credentials where name = 'support@northwind.example') as mailbox,
      (select id from workflows where name = 'New hire onboarding') as lacking,
      (select id from instances where name = 'prod-eu-1') as server,
      (select id from credentials where name = 'Linear (triage)') as credential,
      (select id from instances where name = 'prod-us-1') as instance`
  return {
    overview: '/',
    run: `/executions/${found?.['run']}`,
    workflow: `/workflows/${found?.['workflow']}`,
    deployment: `/deployments/${found?.['deployment']}`,
    drift: `/deployments/${found?.['drifted']}/drift`,
    credential: `/credentials/${found?.['credential']}`,
    instance: `/instances/${found?.['instance']}`,
    plan: `/deployments/new?workflow=${found?.['undeployed']}&instance=${found?.['server']}&credential.gmailOAuth2=${found?.['mailbox']}`,
    blocked: `/deployments/new?workflow=${found?.['lacking']}&instance=${found?.['server']}`,
  }
}

async function shootAll(tab: Tab, folder: string, look: string, examples: Examples): Promise<void> {
  const { page } = tab
  let shots = 0
  const shoot = async (name: string) => {
    await page.evaluate(() => document.fonts.ready)
    await page.screenshot({ path: join(folder, `${name}-${look}.png`), fullPage: true })
    shots += 1
  }
  for (const path of ['/sign-in', '/register']) {
    await page.goto(path)
    await shoot(path.slice(1))
  }
  await enter(tab, account)
  const { plan, blocked, ...pages } = examples
  const states = {
    'overview-7d': '/?period=7d',
    'overview-30d': '/?period=30d',
    'executions-failed': '/executions?status=failed',
    'search-invoice': '/search?q=invoice',
    'deployments-new-plan': plan,
    'deployments-new-blocked': blocked,
    'alerts-new-kind': '/alerts/new?kind=error-rate',
  }
  await crawl(page, {
    from: [...Object.values(pages), '/credentials/new/postgres', '/help', '/more'],
    most: () => 1,
    visit: async (path, shape, status) => {
      if (status !== 200) tab.faults.push(`${path} answers ${status}`)
      await shoot(nameOf(shape))
    },
  })
  for (const [name, path] of Object.entries(states)) {
    await page.goto(path)
    await shoot(name)
  }
  await page.goto('/no-such-page')
  await shoot('missing')
  await tab.context.clearCookies()
  await enter(tab, newcomer)
  for (const path of [
    '/',
    '/executions',
    '/workflows',
    '/credentials',
    '/deployments',
    '/instances',
    '/alerts',
    '/audit',
  ]) {
    await page.goto(path)
    await shoot(`empty-${nameOf(path)}`)
  }
  await tab.context.clearCookies()
  console.log(`${look}: ${shots} pages`)
}

async function shootReadme(tab: Tab, look: (typeof looks)[number], examples: Examples): Promise<void> {
  mkdirSync(readmeFolder, { recursive: true })
  await enter(tab, account)
  for (const shot of readmeShots) {
    if (shot.width !== look.width || shot.colorScheme !== look.colorScheme) continue
    if (shot.width === 1440) await tab.page.setViewportSize(readmeDesk)
    await tab.page.goto(examples[shot.path])
    await tab.page.evaluate(() => document.fonts.ready)
    const path = join(readmeFolder, `${shot.name}.png`)
    await tab.page.screenshot({ path })
    console.log(`${path}: ${Math.round(statSync(path).size / 1000)} kB`)
  }
}

async function enter({ page }: Tab, { email, password }: typeof account): Promise<void> {
  await page.goto('/sign-in')
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.waitForURL('/')
}

/** `/workflows/:id/versions` → `workflows-id-versions`. */
const nameOf = (shape: string): string =>
  shape.replaceAll(/[^\w-]+/g, '-').replace(/^-|-$/g, '') || 'overview'

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

if (hasChromium) await main(process.argv.slice(2))
else {
  process.stderr.write(`There is no Chromium at ${chromiumPath}: set CHROMIUM_PATH.\n`)
  process.exitCode = 1
}
