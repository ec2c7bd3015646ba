/** The reference at `/docs`: search, and requests from the page, under its Content Security Policy. */
import { describe, expect, test } from 'vitest'
import { hasChromium } from './chromium.ts'
import { inChromium, useSite } from './site.ts'

describe.skipIf(!hasChromium)(inChromium('the API reference'), () => {
  const site = useSite()

  test('finds operations by words in their path, name and text', async () => {
    const { page, faults } = await site.tab()
    await page.goto('/docs')
    await page.keyboard.press('/')
    await page.keyboard.type('deployment drift')
    const shown = page.locator('main section:visible h3')
    await page.waitForFunction(() => document.querySelectorAll('main section:not([hidden])').length < 10)
    expect((await shown.allTextContents()).join(' ')).toContain('/v1/deployments/{id}/drift')
    expect(await page.locator('nav li:visible').count()).toBe(await shown.count())
    await page.fill('#search', 'no operation has these words')
    await page.getByText('No matching operations').waitFor()
    await page.fill('#search', '')
    expect(await shown.count()).toBeGreaterThan(50)
    expect(faults).toEqual([])
  })

  test('sends requests, and authenticates later ones with the token from sign-in', async () => {
    const { email, password } = await site.app.user()
    const { page, faults } = await site.tab()
    await page.goto('/docs')
    const open = async (id: string) => {
      const section = page.locator(`section:has(.id:text-is("${id}"))`)
      await section.getByRole('button', { name: 'Try it' }).click()
      return section
    }
    const signIn = await open('createSession')
    await signIn.getByLabel('body').fill(JSON.stringify({ email, password }))
    await signIn.getByRole('button', { name: 'Send' }).click()
    await signIn.getByText('200 OK').waitFor()

    const create = await open('createWorkflow')
    await create.getByRole('button', { name: 'Send' }).click()
    await create.getByText('201 Created').waitFor()
    const created = (await create.locator('form pre').textContent()) ?? ''
    expect(created).toContain('ETag: "1"')
    const id = /"id": "([0-9a-f-]{36})"/.exec(created)?.[1] ?? ''

    const read = await open('getWorkflow')
    await read.getByLabel('id', { exact: false }).first().fill(id)
    await read.getByRole('button', { name: 'Send' }).click()
    await read.getByText('200 OK').waitFor()
    expect(faults).toEqual([])
  })
})
