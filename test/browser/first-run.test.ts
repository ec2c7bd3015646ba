/** The first run in Chromium: from a new account to a live workflow along the primary buttons, with the number of steps. */
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { hasChromium } from './chromium.ts'
import { inChromium, useSite } from './site.ts'

const workflowAt = (path: string) => ({
  name: 'Orders to Slack',
  nodes: [
    {
      id: 'n1',
      name: 'Orders',
      type: 'n8n-nodes-base.webhook',
      typeVersion: 2,
      position: [0, 0],
      parameters: { path },
    },
    {
      id: 'n2',
      name: 'Tell the team',
      type: 'n8n-nodes-base.slack',
      typeVersion: 2.2,
      position: [220, 0],
      parameters: {
        select: 'channel',
        channelId: { __rl: true, mode: 'name', value: '#orders' },
        text: 'New',
      },
      credentials: { slackApi: { id: '1', name: 'Team bot' } },
    },
  ],
  connections: { Orders: { main: [[{ node: 'Tell the team', type: 'main', index: 0 }]] } },
})

/** Performs and counts user actions. */
function counted(page: Page) {
  const cost = { clicks: 0, fields: 0 }
  const wide: string[] = []
  const measure = async () => {
    const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    if (excess > 0) wide.push(`${page.url()}: ${excess} px`)
  }
  return {
    cost,
    /** Pages that scroll sideways. */
    wide,
    fill: async (label: string | RegExp, text: string) => {
      cost.fields += 1
      await page.getByLabel(label, { exact: typeof label === 'string' }).fill(text)
    },
    press: async (name: string | RegExp, url: RegExp) => {
      cost.clicks += 1
      await page.locator('main .primary', { hasText: name }).click()
      await page.waitForURL(url)
      await measure()
    },
  }
}

describe.skipIf(!hasChromium)(inChromium('a first run in Chromium'), () => {
  const site = useSite()
  const step = (page: Page) => page.locator('.setup [aria-current=step]').innerText()

  test.each([
    [true, 1440],
    [true, 390],
    [false, 1440],
    [false, 390],
  ])(
    'leads from a new account to a live workflow, with scripts: %s, at %i pixels',
    async (scripts, width) => {
      const { page, faults } = await site.tab({
        javaScriptEnabled: scripts,
        viewport: { width, height: 900 },
      })
      const { cost, wide, fill, press } = counted(page)
      await page.goto('/register')
      await fill('Email', `first-run-${scripts}-${width}@example.com`)
      await fill('Password', 'plum lantern velvet orbit')
      await press('Create account', /\/$/)
      await press('Add workflow', /\/workflows\/new/)
      await fill(
        'n8n JSON',
        `\`\`\`json\n${JSON.stringify(workflowAt(`orders-${scripts}-${width}`))}\n\`\`\``,
      )
      await press('Add workflow', /\/workflows\/[0-9a-f-]{36}/)
      expect(await step(page)).toBe('Credentials')
      await press(/^Add .* credential/, /\/credentials\/new\/slackApi/)
      expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('Team bot')
      expect(await step(page)).toBe('Credentials')
      await fill(/Access token/i, 'xoxb-planted')
      await press('Add and continue', /\/instances\/new/)
      expect(await step(page)).toBe('n8n')
      await fill('URL', 'https://n8n.example.com')
      await fill('API key', site.stub.apiKey)
      await press('Test and continue', /\/deployments\/new\?workflow=/)
      expect(await step(page)).toBe('Plan')
      await press('Deploy', /\/deployments\/[0-9a-f-]{36}$/)
      expect(await page.locator('.setup .done').last().innerText()).toContain('Live')
      expect(await page.locator('main').innerText()).toContain('Orders to Slack')
      expect(cost).toEqual({ clicks: 7, fields: 6 })
      expect(wide).toEqual([])
      expect(faults).toEqual([])
    },
  )

  test('takes the workflow from a file that is chosen or dropped', async () => {
    const { page, faults } = await site.signedIn(await site.app.user())
    const area = page.getByLabel('n8n JSON')
    const save = async () => {
      await page.locator('main .primary', { hasText: 'Add workflow' }).click()
      await page.waitForURL(/\/workflows\/[0-9a-f-]{36}/)
      expect(await page.locator('main').innerText()).toContain('Orders to Slack')
    }
    const chosen = JSON.stringify(workflowAt('chosen'), null, 2)
    await page.goto('/workflows/new')
    await page
      .getByLabel('Or choose a file')
      .setInputFiles({ name: 'orders.json', mimeType: 'application/json', buffer: Buffer.from(chosen) })
    await expect.poll(() => area.inputValue()).toBe(chosen)
    await save()

    const dropped = JSON.stringify(workflowAt('dropped'))
    await page.goto('/workflows/new')
    const files = await page.evaluateHandle((text) => {
      const transfer = new DataTransfer()
      transfer.items.add(new File([text], 'orders.json', { type: 'application/json' }))
      return transfer
    }, dropped)
    await area.dispatchEvent('dragover', { dataTransfer: files })
    await area.dispatchEvent('drop', { dataTransfer: files })
    await expect.poll(() => area.inputValue()).toBe(dropped)
    await save()
    expect(faults).toEqual([])
  })

  test('takes the workflow from a chosen file without a script', async () => {
    const { page } = await site.signedIn(await site.app.user(), { javaScriptEnabled: false })
    await page.goto('/workflows/new')
    const buffer = Buffer.from(JSON.stringify(workflowAt('without-script')))
    await page
      .getByLabel('Or choose a file')
      .setInputFiles({ name: 'orders.json', mimeType: 'application/json', buffer })
    await page.locator('main .primary', { hasText: 'Add workflow' }).click()
    await page.waitForURL(/\/workflows\/[0-9a-f-]{36}/)
    expect(await page.locator('main').innerText()).toContain('Orders to Slack')
  })
})
