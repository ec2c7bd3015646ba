/** Accessibility of every page with the large demo and with an empty account, at every size. */
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { demoAccount, seedDemoInto } from '../harness/large-demo.ts'
import { hasChromium, type Tab } from './chromium.ts'
import { crawl } from './crawl.ts'
import { inChromium, useSite } from './site.ts'

const desk = { width: 1440, height: 900 }
const phone = { width: 390, height: 844 }
const minutes = 60_000

interface Seen {
  faults: string[]
  pages: string[]
}

/** @param rules default: all of them */
async function violations(page: Page, what: string, rules?: string[]): Promise<string[]> {
  await page.evaluate(axe.source)
  const { violations: found } = await page.evaluate(
    (only) =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(document, {
        resultTypes: ['violations'],
        ...(only && { runOnly: only }),
      }),
    rules,
  )
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${what}: ${id} at ${nodes
          .map(({ target }) => target.join(' '))
          .slice(0, 3)
          .join(', ')}`,
    )
}

/** Words that their column squeezes into more than two lines. */
const squeezedWords = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    const squeezed: string[] = []
    while (walker.nextNode()) {
      const node = walker.currentNode
      if (!node.parentElement?.checkVisibility() || node.parentElement.closest('pre, code, svg')) continue
      for (const { 0: word, index } of (node.textContent ?? '').matchAll(/\p{L}{4,20}/gu)) {
        const range = new Range()
        range.setStart(node, index)
        range.setEnd(node, index + word.length)
        const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)))
        if (lines.size > 2) squeezed.push(word)
      }
    }
    return squeezed
  })

async function look(page: Page, path: string): Promise<string[]> {
  const faults: string[] = []
  await page.emulateMedia({ colorScheme: 'light' })
  faults.push(...(await violations(page, `${path}, 1440 light`)))
  await page.emulateMedia({ colorScheme: 'dark' })
  faults.push(...(await violations(page, `${path}, 1440 dark`, ['color-contrast'])))
  await page.setViewportSize(phone)
  faults.push(...(await violations(page, `${path}, 390 dark`)))
  await page.emulateMedia({ colorScheme: 'light' })
  faults.push(...(await violations(page, `${path}, 390 light`, ['color-contrast'])))
  const { scrollWidth, clientWidth } = await page.evaluate(() => document.documentElement)
  if (scrollWidth > clientWidth)
    faults.push(`${path}, 390: scrolls sideways by ${scrollWidth - clientWidth} px`)
  for (const word of await squeezedWords(page)) faults.push(`${path}, 390: ${word} is squeezed`)
  await page.setViewportSize(desk)
  return faults
}

async function lookAround(tab: Tab, from: string[]): Promise<Seen> {
  const faults: string[] = []
  const visited = await crawl(tab.page, {
    from,
    most: () => 1,
    visit: async (path, shape, status) => {
      if (status === 200) faults.push(...(await look(tab.page, shape)))
      else faults.push(`${path} answers ${status}`)
    },
  })
  return { faults: [...faults, ...tab.faults], pages: [...visited.keys()].toSorted() }
}

describe.skipIf(!hasChromium)(inChromium('every page of the dashboard'), () => {
  const site = useSite()

  beforeAll(async () => {
    await seedDemoInto(site.app, new Date())
  }, 5 * minutes)

  test(
    'has no serious axe violation, CSP violation or horizontal scrolling',
    async () => {
      const tab = await site.signedIn(demoAccount, { viewport: desk, reducedMotion: 'reduce' })
      const { db } = site.app.deps
      const [failed] =
        await db.$client`select id from executions where status = 'error' and data is not null limit 1`
      const { faults, pages } = await lookAround(tab, [
        '/',
        `/executions/${failed?.['id']}`,
        '/credentials/new/postgres',
      ])
      expect(pages).toEqual(
        expect.arrayContaining(['/', '/executions', '/executions/:id', '/workflows', '/workflows/:id']),
      )
      expect(pages.length).toBeGreaterThan(25)
      expect(faults).toEqual([])
    },
    10 * minutes,
  )

  test(
    'passes the same checks for an empty account',
    async () => {
      const tab = await site.signedIn(await site.app.user(), { viewport: desk, reducedMotion: 'reduce' })
      const { faults, pages } = await lookAround(tab, ['/'])
      expect(pages.length).toBeGreaterThan(8)
      expect(faults).toEqual([])
    },
    5 * minutes,
  )

  test.each(['/sign-in', '/register', '/no-such-page'])(
    '%s passes the same checks when signed out',
    async (path) => {
      const { page, faults } = await site.tab({ viewport: desk })
      await page.goto(path)
      expect([...(await look(page, path)), ...faults]).toEqual([])
    },
  )
})
