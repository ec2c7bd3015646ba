/** @module The whole application on its own port, with n8n stubs behind its instances and a Chromium client. */
import { createAdaptorServer } from '@hono/node-server'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { withGuide } from '../../src/node/guide.ts'
import { createTestApp, type TestApp, type TestUser } from '../harness/app.ts'
import { createN8nStub, type N8nStub } from '../harness/n8n-stub.ts'
import { chromiumPath, hasChromium, launchChromium, openTab, type Tab, type TabOptions } from './chromium.ts'

const publicFolder = join(import.meta.dirname, '../../public')

export interface Site {
  app: TestApp
  stub: N8nStub
  url: string
  /** A signed-out tab. */
  tab: (options?: Omit<TabOptions, 'origin'>) => Promise<Tab>
  /** A signed-in tab, on the overview. */
  signedIn: (user: Pick<TestUser, 'email' | 'password'>, options?: Omit<TabOptions, 'origin'>) => Promise<Tab>
}

/** Names tests that need Chromium: `describe.skipIf(!hasChromium)(inChromium('…'), …)`. */
export const inChromium = (name: string): string =>
  hasChromium ? name : `${name} (left out: no Chromium at ${chromiumPath}; set CHROMIUM_PATH)`

/** One site per test file. @param host `localhost` for passkeys, which browsers refuse to IP addresses */
export function useSite(host = '127.0.0.1'): Site {
  const site = {} as Site
  const closing: (() => Promise<unknown>)[] = []
  beforeAll(async () => {
    const browser = await launchChromium()
    closing.push(() => browser.close())
    Object.assign(site, await startSite(browser, host, closing))
  })
  afterAll(async () => {
    for (const close of closing) await close()
  })
  return site
}

async function startSite(browser: Browser, host: string, closing: (() => Promise<unknown>)[]): Promise<Site> {
  const port = await freePort()
  const url = `http://${host}:${port}`
  const stub = await createN8nStub()
  const app = await createTestApp({
    env: { PUBLIC_URL: url, LOG_LEVEL: 'warn' },
    runtime: { instanceFetch: stub.fetch, wait: async () => undefined },
  })
  const server = createAdaptorServer({ fetch: withGuide(publicFolder, app.app.fetch) }) as Server
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  closing.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await app.close()
  })
  const tab: Site['tab'] = async (options) => {
    const opened = await openTab(browser, { origin: url, ...options })
    closing.unshift(opened.close)
    return opened
  }
  return {
    app,
    stub,
    url,
    tab,
    signedIn: async ({ email, password }, options) => {
      const opened = await tab(options)
      await signIn(opened, email, password)
      return opened
    },
  }
}

export async function signIn({ page }: Tab, email: string, password: string): Promise<void> {
  await page.goto('/sign-in')
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.waitForURL('/')
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
