/** Long names, with and without spaces, never make a page scroll sideways. Texts that may be cut have a title. */
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Account, makeAccount, orders, runOf } from './account.ts'
import { hasChromium } from './chromium.ts'
import { crawl } from './crawl.ts'
import { inChromium, useSite } from './site.ts'

const solid = (start: string, length: number) => start.padEnd(length, 'x')
/** Shapes of pages with several states to look at. */
const several = new Set([
  '/search',
  '/executions',
  '/credentials',
  '/deployments',
  '/executions/:id',
  '/workflows/:id',
])

const spaced = (start: string, length: number) => `${start} ${'word '.repeat(60)}`.slice(0, length).trim()

/** The selectors of the style sheet that cut texts with an ellipsis, at any width. */
const cuttingSelectors = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const cuts = ({ style }: CSSStyleRule) =>
      style.textOverflow === 'ellipsis' ||
      !['', 'none'].includes(style.getPropertyValue('-webkit-line-clamp'))
    const selectorsOf = (rules: CSSRuleList): string[] =>
      [...rules].flatMap((rule) =>
        rule instanceof CSSStyleRule
          ? cuts(rule)
            ? rule.selectorText.split(/, (?![^(]*\))/)
            : []
          : rule instanceof CSSMediaRule
            ? selectorsOf(rule.cssRules)
            : [],
      )
    return [...new Set([...document.styleSheets].flatMap(({ cssRules }) => selectorsOf(cssRules)))].toSorted()
  })

/**
 * The elements that may be cut and have a text without a title: by an ellipsis of the style sheet, by a box that is too
 * small, or by an ellipsis in a drawing.
 */
async function cutTexts(page: Page): Promise<{ drawn: number; selectors: string[]; untitled: string[] }> {
  const selectors = await cuttingSelectors(page)
  return page.evaluate((all) => {
    const flat = (text: string | null | undefined) => (text ?? '').replaceAll(/\s+/g, ' ').trim()
    const isCut = (element: Element) => {
      const { overflowX, clipPath } = getComputedStyle(element)
      const isTooWide = element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 1
      return clipPath === 'none' && ['hidden', 'clip'].includes(overflowX) && isTooWide
    }
    /** A title of the element or of one around it that contains the text. */
    const hasTitle = (from: Element | null, text: string): boolean => {
      for (let at = from; at; at = at.parentElement) {
        if (flat(at.getAttribute('title')).includes(text)) return true
        const own = [...at.children].find(({ tagName }) => tagName === 'title')
        if (own && flat(own.textContent).includes(text)) return true
      }
      return false
    }
    const textsIn = (element: Element): [Element | null, string][] => {
      if (element instanceof HTMLSelectElement)
        return [[element, flat(element.selectedOptions[0]?.textContent)]]
      const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT)
      const texts: [Element | null, string][] = []
      while (walker.nextNode()) {
        const { parentElement } = walker.currentNode
        if (!parentElement?.closest('.visually-hidden, option'))
          texts.push([parentElement, flat(walker.currentNode.textContent)])
      }
      return texts
    }
    const shown = [...document.querySelectorAll('body *')].filter((each) => each.checkVisibility())
    const ellipsized = shown.filter((each) => all.some((selector) => each.matches(selector)))
    const drawn = shown.filter((each) => each instanceof SVGTextElement && each.textContent.endsWith('…'))
    const missing = [
      ...new Set([
        ...ellipsized,
        ...shown.filter((each) => isCut(each) || each.matches('select')),
        ...document.querySelectorAll('option'),
      ]),
    ].flatMap((element) =>
      textsIn(element)
        .filter(([parent, text]) => text.length > (isCut(element) ? 3 : 40) && !hasTitle(parent, text))
        .map(([, text]) => `${element.tagName}.${element.className} ${text.slice(0, 60)}`),
    )
    // The areas of a drawing that have a title lie on it.
    const areas = [...document.querySelectorAll('.graph-hits rect')]
    const undrawn = drawn.filter((each) => {
      const { left, top, width, height } = each.getBoundingClientRect()
      const [x, y] = [left + width / 2, top + height / 2]
      return !areas.some((area) => {
        const around = area.getBoundingClientRect()
        const isAround = around.left <= x && x <= around.right && around.top <= y && y <= around.bottom
        return isAround && flat(area.textContent).includes(flat(each.textContent).slice(0, -1))
      })
    })
    return {
      drawn: drawn.length,
      selectors: all.filter((selector) => document.querySelector(selector)),
      untitled: [...missing, ...undrawn.map(({ textContent }) => `drawn ${textContent}`)],
    }
  }, selectors)
}

describe.skipIf(!hasChromium)(inChromium('pages with long names'), () => {
  const site = useSite()
  let account: Account
  let runPath: string

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
    await account.report(
      runOf({ id: '1', minutesAgo: 5, failure, nodes: ['Order placed', node] }),
      runOf({ id: '2', minutesAgo: 6, failure }),
    )
    const { sql } = site.app.database
    const [run] =
      await sql`select id from executions where user_id = ${account.id} and n8n_execution_id = '2'`
    runPath = `/executions/${run?.['id']}?node=Tell+the+team`
    await sql`update instances set status = 'refused', status_detail = ${solid('Refused', 200)}
      where user_id = ${account.id}`
  })

  test.each([1440, 390])(
    'fit a window of %i pixels, and every text that may be cut has a title',
    async (width) => {
      const { page } = await site.signedIn(account, { viewport: { width, height: 900 } })
      const wide: string[] = []
      const untitled = new Set<string>()
      const seen = new Set<string>()
      let drawn = 0
      const from = [
        '/',
        ...[
          solid('Workflow', 60),
          'spaced',
          'Credential',
          'Instance',
          'Failed',
          'Node',
          'Describe',
          'orders',
        ].map((q) => `/search?q=${q}`),
        `/executions?node=${solid('Node', 200)}&status=failed`,
        `/credentials?q=${solid('Credential', 120)}`,
        `/deployments?wf=${account.workflowId}`,
        '/deployments',
        runPath,
      ]
      await crawl(page, {
        from,
        most: (shape) => (several.has(shape) ? 9 : 1),
        visit: async (path, shape) => {
          const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
          if (excess > 0) wide.push(`${path}: ${excess}`)
          const cut = await cutTexts(page)
          drawn += cut.drawn
          for (const selector of cut.selectors) seen.add(selector)
          for (const text of cut.untitled) untitled.add(`${shape}: ${text}`)
        },
      })
      expect(wide).toEqual([])
      expect([...untitled]).toEqual([])
      expect(drawn).toBeGreaterThan(0)
      // Every rule of the style sheet that cuts texts applied to a page.
      expect(await cuttingSelectors(page)).toEqual([...seen].toSorted())
    },
  )
})
