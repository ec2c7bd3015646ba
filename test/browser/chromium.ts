/** @module Starts the installed Chromium, with tabs that detect forbidden behavior of pages. */
import { existsSync } from 'node:fs'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core'

export const chromiumPath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'
export const hasChromium = existsSync(chromiumPath)

export const launchChromium = (): Promise<Browser> =>
  chromium.launch({
    executablePath: chromiumPath,
    // Chromium's sandbox does not start as root.
    args:
      process.getuid?.() === 0 ? ['--no-sandbox', '--disable-dev-shm-usage'] : ['--disable-dev-shm-usage'],
  })

export interface Tab {
  context: BrowserContext
  page: Page
  /** Violations so far: scripts run from data, CSP violations, requests to other hosts, errors. */
  faults: string[]
  close: () => Promise<void>
}

export interface TabOptions extends BrowserContextOptions {
  origin: string
}

export async function openTab(browser: Browser, { origin, ...options }: TabOptions): Promise<Tab> {
  const context = await browser.newContext({ baseURL: origin, timezoneId: 'Europe/Berlin', ...options })
  context.setDefaultTimeout(20_000)
  const page = await context.newPage()
  const faults: string[] = []
  const note = (fault: string) => void faults.push(`${page.url().replace(origin, '')}: ${fault}`)
  page.on('dialog', (dialog) => {
    note(`a dialogue opened: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('pageerror', (error) => note(`a script failed: ${error.message}`))
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`)) note(`asked for ${request.url()}`)
  })
  page.on('console', (message) => {
    const text = message.text()
    if (text.startsWith('csp: ') || /Content Security Policy/.test(text)) note(text)
  })
  // Injected by the debugger, which bypasses the page's policy.
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
      console.error(`csp: ${violatedDirective} ${blockedURI}`)
    })
  })
  return { context, page, faults, close: () => context.close() }
}
