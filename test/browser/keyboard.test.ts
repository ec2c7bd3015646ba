/** The dashboard without a mouse. */
import { beforeAll, describe, expect, test } from 'vitest'
import { makeAccount, runOf } from './account.ts'
import { hasChromium, type Tab } from './chromium.ts'
import { inChromium, useSite } from './site.ts'

describe.skipIf(!hasChromium)(inChromium('the dashboard by keyboard'), () => {
  const site = useSite()
  let tab: Tab

  const focused = () =>
    tab.page.evaluate(() => {
      const element = document.activeElement
      return element ? { text: element.textContent?.trim() ?? '', href: element.getAttribute('href') } : null
    })

  beforeAll(async () => {
    const account = await makeAccount(site)
    await account.report(...['1', '2', '3'].map((id, index) => runOf({ id, minutesAgo: 30 - index })))
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

    await page.keyboard.press('/')
    await page.keyboard.type('audit')
    await page.getByRole('option', { name: 'Audit trail' }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.waitForURL('/audit')
    expect(tab.faults).toEqual([])
  })
})
