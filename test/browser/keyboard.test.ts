/** The dashboard without a mouse. */
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { makeAccount, orders, runOf } from './account.ts'
import { hasChromium, type Tab } from './chromium.ts'
import { inChromium, useSite } from './site.ts'

describe.skipIf(!hasChromium)(inChromium('the dashboard by keyboard'), () => {
  const site = useSite()
  let tab: Tab
  let workflowId: string

  const focused = () =>
    tab.page.evaluate(() => {
      const element = document.activeElement
      return element ? { text: element.textContent?.trim() ?? '', href: element.getAttribute('href') } : null
    })

  beforeAll(async () => {
    const account = await makeAccount(site)
    await account.report(...['1', '2', '3'].map((id, index) => runOf({ id, minutesAgo: 30 - index })))
    workflowId = account.workflowId
    tab = await site.signedIn(account)
  })

  test('starts with a link that skips the navigation', async () => {
    const { page } = tab
    await page.goto('/executions')
    await page.keyboard.press('Tab')
    expect(await focused()).toMatchObject({ text: 'Skip to content', href: '#main' })
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.closest('main') !== null)).toBe(true)
  })

  /** Presses Tab until the focus is on `selector`, which may take `most` presses. Returns the number of presses. */
  async function tabsTo(page: Page, selector: string, most: number): Promise<number> {
    for (let presses = 1; presses <= most; presses += 1) {
      await page.keyboard.press('Tab')
      if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return presses
    }
    throw new Error(`${page.url()}: ${selector} is more than ${most} Tab presses away`)
  }

  /** Follows the skip link to `id`, then tabs on to `selector`. Returns the number of Tab presses from page load. */
  async function tabsBySkipLink(page: Page, id: string, selector: string): Promise<number> {
    const before = await tabsTo(page, `.skip[href="#${id}"]`, 6)
    await page.keyboard.press('Enter')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe(id)
    return before + (await tabsTo(page, selector, 6))
  }

  test('reaches filters and results of every list in at most 6 presses of Tab', async () => {
    const { page } = tab
    const presses: Record<string, number> = {}
    for (const [path, id, selector] of [
      ['/executions', 'filters', '.runs-chips .chip:first-child'],
      ['/executions', 'results', 'tbody a'],
      ['/errors', 'filters', '#filters input'],
      ['/workflows', 'filters', '#filters input'],
      ['/workflows', 'results', 'tbody a'],
      [`/workflows/${workflowId}/versions`, 'results', '#results a'],
      ['/credentials', 'filters', '#filters input'],
      ['/credentials', 'results', 'tbody a'],
      ['/deployments', 'filters', '#filters input'],
      ['/deployments', 'results', 'tbody a'],
      ['/instances', 'results', 'tbody a'],
      ['/audit', 'filters', '#filters input'],
      ['/audit', 'results', 'tbody a'],
    ] as const) {
      await page.goto(path)
      presses[`${path} ${id}`] = await tabsBySkipLink(page, id, selector)
    }
    const many = Object.entries(presses).filter(([, count]) => count > 6)
    expect(many).toEqual([])
    await page.goto('/executions')
    expect(await tabsBySkipLink(page, 'filters', '.chip')).toBe(3)
    expect((await focused())?.text).toBe('Failed')
  })

  test('reaches the first action of “Needs attention” in at most 6 presses of Tab', async () => {
    const failing = await makeAccount(site)
    const failure = { message: 'Forbidden', httpCode: '403' }
    await failing.report(
      ...['1', '2', '3', '4', '5', '6'].map((id) => runOf({ id, minutesAgo: Number(id), failure })),
    )
    const waiting = await site.app.user()
    await waiting.call('POST', '/v1/workflows', { body: { workflow: orders('Hello') } })
    for (const account of [failing, waiting]) {
      const { page } = await site.signedIn(account)
      await page.goto('/')
      expect(await tabsBySkipLink(page, 'attention', '.attention a')).toBeLessThanOrEqual(6)
    }
  })

  test('has no skip link without its target', async () => {
    const { page } = tab
    for (const path of ['/', '/executions', '/account', '/more', '/workflows/new', '/no-such-page']) {
      await page.goto(path)
      const targets = await page
        .locator('.skip')
        .evaluateAll((links) =>
          links.map((link) => document.querySelectorAll(link.getAttribute('href') ?? '').length),
        )
      expect(targets.length).toBeGreaterThan(0)
      expect(new Set(targets)).toEqual(new Set([1]))
    }
  })

  test.each([
    { colorScheme: 'light' },
    { colorScheme: 'dark' },
    { forcedColors: 'active' },
    { forcedColors: 'active', colorScheme: 'dark' },
  ] as const)('shows skip links and their targets when focused: %o', async (media) => {
    const { page } = tab
    await page.emulateMedia({ colorScheme: 'light', forcedColors: 'none', ...media })
    const isShown = () =>
      page.evaluate(() => {
        const element = document.activeElement ?? document.body
        const { left, top, width, height } = element.getBoundingClientRect()
        const { outlineStyle, outlineWidth, backgroundColor, color } = getComputedStyle(element)
        return {
          id: element.id,
          isInView: left >= 0 && top >= 0 && top < innerHeight && width > 0 && height > 0,
          isOutlined: outlineStyle === 'solid' && Number.parseFloat(outlineWidth) >= 2,
          isReadable: backgroundColor !== color,
        }
      })
    for (const [index, id] of ['main', 'filters', 'results'].entries()) {
      await page.goto('/executions')
      for (let press = 0; press <= index; press += 1) await page.keyboard.press('Tab')
      expect(await focused()).toMatchObject({ href: `#${id}` })
      expect(await isShown()).toEqual({ id: '', isInView: true, isOutlined: true, isReadable: true })
      await page.keyboard.press('Enter')
      expect(await isShown()).toMatchObject({ id, isInView: true, isOutlined: true })
    }
    await page.emulateMedia({ colorScheme: null, forcedColors: null })
  })

  test('shows the focus', async () => {
    const { page } = tab
    await page.goto('/executions')
    const unmarked: string[] = []
    for (let stop = 0; stop < 40; stop += 1) {
      await page.keyboard.press('Tab')
      const look = await page.evaluate(() => {
        const element = document.activeElement
        if (!element || element === document.body) return null
        // The focus ring of a control may be on an ancestor.
        const drawn = [element, element.parentElement, element.closest('label')].filter(
          (each) => each !== null,
        )
        const isMarked = drawn.some((each) => {
          const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(each)
          return (outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2) || boxShadow !== 'none'
        })
        return { isMarked, what: element.outerHTML.slice(0, 120) }
      })
      if (look && !look.isMarked) unmarked.push(look.what)
    }
    expect(unmarked).toEqual([])
  })

  test('supports / for search, j and k for rows, and g plus a letter for pages', async () => {
    const { page } = tab
    await page.goto('/executions')
    await page.keyboard.press('j')
    const first = await focused()
    await page.keyboard.press('j')
    const second = await focused()
    expect(first?.href).toMatch(/^\/executions\//)
    expect(second?.href).toMatch(/^\/executions\//)
    expect(second?.href).not.toBe(first?.href)
    await page.keyboard.press('k')
    expect(await focused()).toEqual(first)
    await page.keyboard.press('/')
    expect(await page.evaluate(() => document.activeElement?.hasAttribute('data-search'))).toBe(true)
    await page.keyboard.type('j')
    expect(await page.evaluate(() => (document.activeElement as HTMLInputElement).value)).toBe('j')
    // The first Escape closes suggestions that have arrived, the next one leaves the field.
    const leaveField = async () => {
      await page.keyboard.press('Escape')
      return page.evaluate(() => document.activeElement === document.body)
    }
    await expect.poll(leaveField, { timeout: 20_000 }).toBe(true)
    await page.keyboard.press('g')
    await page.keyboard.press('c')
    await page.waitForURL('/credentials')
    expect(tab.faults).toEqual([])
  })

  test('suggests results in the palette of Ctrl-K and below the search field', async () => {
    const { page } = tab
    await page.goto('/executions')
    await page.keyboard.press('Control+k')
    const palette = page.getByRole('dialog', { name: 'Search' })
    const field = palette.getByRole('combobox', { name: 'Search or jump to' })
    await field.pressSequentially('watched ord')
    await palette.getByRole('option', { selected: true }).waitFor()
    expect(await palette.getByRole('status').textContent()).toMatch(/^\d+ results?$/)
    expect(await palette.locator('mark').first().textContent()).toBe('Watched')
    const first = await field.getAttribute('aria-activedescendant')
    await page.keyboard.press('ArrowDown')
    expect(await field.getAttribute('aria-activedescendant')).not.toBe(first)
    await page.keyboard.press('ArrowUp')
    expect(await field.getAttribute('aria-activedescendant')).toBe(first)
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/workflows\/[0-9a-f-]+$/)

    await page.keyboard.press('Control+k')
    await palette.waitFor()
    await page.keyboard.press('Escape')
    await palette.waitFor({ state: 'detached' })

    // Closing the palette returns the focus first.
    const isInField = () =>
      page.evaluate(() => document.activeElement?.matches('.search input:focus') ?? false)
    const enterField = async () => {
      if (!(await isInField())) await page.keyboard.press('/')
      return isInField()
    }
    await expect.poll(enterField, { timeout: 20_000 }).toBe(true)
    await page.keyboard.type('audit')
    await page.getByRole('option', { name: 'Audit trail' }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.waitForURL('/audit')
    expect(tab.faults).toEqual([])
  })
})
