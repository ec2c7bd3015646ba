/** The guide at `/docs/guide`: search, copying and links, under its Content Security Policy. */
import { describe, expect, test } from 'vitest'
import { hasChromium } from './chromium.ts'
import { inChromium, useSite } from './site.ts'

describe.skipIf(!hasChromium)(inChromium('the guide'), () => {
  const site = useSite()

  test('finds sections by words, with the keyboard alone', async () => {
    const { page, faults } = await site.tab()
    await page.goto('/docs/guide')
    await page.keyboard.press('/')
    await page.keyboard.type('restor backup')
    const results = page.locator('.suggest a')
    await results.first().waitFor()
    expect(await page.locator('[role=status]').textContent()).toMatch(/^\d+ results?$/)
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowUp')
    expect(await results.first().evaluate((link) => link === document.activeElement)).toBe(true)
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/docs\/guide\/backup/)

    await page.getByRole('searchbox').fill('instance-refused')
    await page.keyboard.press('Enter')
    await page.waitForURL('/docs/guide/errors#instance-refused')
    expect(await page.locator('#instance-refused').isVisible()).toBe(true)

    await page.getByRole('searchbox').fill('zzzqqq')
    await page.getByText('No section contains these words').waitFor()
    await page.keyboard.press('Escape')
    expect(await page.locator('.suggest').isVisible()).toBe(false)
    expect(faults).toEqual([])
  })

  test('shows markup in the search field as text', async () => {
    const { page, faults } = await site.tab()
    await page.goto('/docs/guide/configuration')
    await page.getByRole('searchbox').fill('base64 of 32 bytes')
    await page.locator('.suggest a').first().waitFor()
    await page.getByRole('searchbox').fill('<img src=x onerror=alert(1)>')
    await page.locator('.suggest p, .suggest a').first().waitFor()
    expect(await page.locator('img').count()).toBe(0)
    expect(faults).toEqual([])
  })

  test('copies a command', async () => {
    const { page, context, faults } = await site.tab({ permissions: ['clipboard-read', 'clipboard-write'] })
    await page.goto('/docs/guide/start')
    await page.getByRole('button', { name: 'Copy' }).first().click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('npm ci')
    expect(faults).toEqual([])
    await context.close()
  })

  test('is linked from the dashboard and the API reference', async () => {
    const { page } = await site.signedIn(await site.app.user())
    for (const path of ['/', '/help', '/more', '/docs']) {
      await page.goto(path)
      expect(await page.locator('a[href="/docs/guide"]').count()).toBeGreaterThan(0)
    }
  })

  test('is readable without JavaScript', async () => {
    const { page, faults } = await site.tab({ javaScriptEnabled: false })
    await page.goto('/docs/guide/keys')
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Keys')
    expect(await page.locator('[data-index]').isVisible()).toBe(false)
    await page.getByRole('link', { name: 'Backup and restore' }).first().click()
    await page.waitForURL('/docs/guide/backup')
    expect(faults).toEqual([])
  })
})
