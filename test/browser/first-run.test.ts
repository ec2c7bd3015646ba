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
  return {
    cost,
    fill: async (label: string | RegExp, text: string) => {
      cost.fields += 1
      await page.getByLabel(label, { exact: typeof label === 'string' }).fill(text)
    },
    press: async (name: string | RegExp, url: RegExp) => {
      cost.clicks += 1
      await page.locator('main .primary', { hasText: name }).click()
      await page.waitForURL(url)
    },
  }
}

describe.skipIf(!hasChromium)(inChromium('a first run in Chromium'), () => {
  const site = useSite()
  const step = (page: Page) => page.locator('.setup [aria-current=step]').innerText()

  test.each([true, false])(
    'leads from a new account to a live workflow, with scripts: %s',
    async (scripts) => {
      const { page, faults } = await site.tab({ javaScriptEnabled: scripts })
      const { cost, fill, press } = counted(page)
      await page.goto('/register')
      await fill('Email', `first-run-${scripts}@example.com`)
      await fill('Password', 'plum lantern velvet orbit')
      await press('Create account', /\/$/)
      await press('Add workflow', /\/workflows\/new/)
      await fill('n8n JSON', `\`\`\`json\n${JSON.stringify(workflowAt(`orders-${scripts}`))}\n\`\`\``)
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
      expect(faults).toEqual([])
    },
  )
})
