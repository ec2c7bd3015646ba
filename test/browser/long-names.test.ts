/** Long names, with and without spaces, never make a page scroll sideways. */
import { beforeAll, describe, expect, test } from 'vitest'
import { type Account, makeAccount, orders, runOf } from './account.ts'
import { hasChromium } from './chromium.ts'
import { crawl } from './crawl.ts'
import { inChromium, useSite } from './site.ts'

const solid = (start: string, length: number) => start.padEnd(length, 'x')
const spaced = (start: string, length: number) => `${start} ${'word '.repeat(60)}`.slice(0, length).trim()

describe.skipIf(!hasChromium)(inChromium('pages with long names'), () => {
  const site = useSite()
  let account: Account

  beforeAll(async () => {
    account = await makeAccount(site)
    for (const [path, name] of [
      [`/v1/instances/${account.instanceId}`, solid('Instance', 128)],
      [`/v1/credentials/${account.credentialId}`, solid('Credential', 128)],
      [`/v1/workflows/${account.workflowId}`, solid('Workflow', 200)],
    ] as const) {
      const { status } = await account.call('PATCH', path, { body: { name }, headers: { 'If-Match': '*' } })
      expect({ path, status }).toEqual({ path, status: 200 })
    }
    const node = solid('Node', 200)
    const { nodes, connections, settings } = orders('Hello')
    const named = nodes.map((each) => (each.name === 'Tell the team' ? { ...each, name: node } : each))
    const { main } = connections['Order placed']
    await account.create('/v1/workflows', {
      workflow: {
        name: spaced('Spaced', 200),
        nodes: named,
        connections: { 'Order placed': { main: main.map((all) => all.map((each) => ({ ...each, node }))) } },
        settings,
      },
    })
    await account.create('/v1/credentials', {
      type: 'slackApi',
      name: spaced('Spaced', 128),
      data: { accessToken: 'xoxb-long' },
    })
    const failure = { message: solid('Failed', 300) }
    await account.report(runOf({ id: '1', minutesAgo: 5, failure, nodes: ['Order placed', node] }))
  })

  test.each([1440, 390])('fit a window of %i pixels', async (width) => {
    const { page } = await site.signedIn(account, { viewport: { width, height: 900 } })
    const wide: string[] = []
    const from = ['/', `/search?q=${solid('Workflow', 60)}`, '/search?q=spaced']
    await crawl(page, {
      from,
      most: () => 1,
      visit: async (path) => {
        const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        if (excess > 0) wide.push(`${path}: ${excess}`)
      },
    })
    expect(wide).toEqual([])
  })
})
