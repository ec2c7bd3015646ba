/** Stored script payloads are rendered as text, in every string that a user, a service or an n8n can write. */
import { beforeAll, describe, expect, test } from 'vitest'
import { type Account, makeAccount, orders, runOf } from './account.ts'
import { hasChromium, type Tab } from './chromium.ts'
import { crawl } from './crawl.ts'
import { inChromium, type Site, useSite } from './site.ts'

/** At most 64 characters, the limit of a tag. Each would call `alert`, contact another server, or leave its element. */
const payloads = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(2)>',
  '<svg onload=alert(3)>',
  '"><script>alert(4)</script>',
  "'><img src=x onerror='alert(5)'>",
  '" autofocus onfocus="alert(6)" x="',
  "' onmouseover='alert(7)' x='",
  '</title><script>alert(8)</script>',
  '</textarea><script>alert(9)</script>',
  '</style><script>alert(10)</script>',
  '<iframe srcdoc="<script>alert(11)</script>">',
  '<a href="javascript:alert(12)">go</a>',
  '<base href="https://elsewhere.invalid/">',
  '<!--><img src=https://elsewhere.invalid/x>-->',
  '&lt;script&gt;alert(15)&lt;/script&gt;<b>',
] as const

const minutes = 60_000

interface Planted {
  workflowIds: string[]
  /** Must occur as text on some page. */
  texts: string[]
}

/** Runs in the page. */
function readPage() {
  const all = [...document.querySelectorAll('*')]
  const isForeign = (element: Element) => {
    const link = element.getAttribute('href') ?? element.getAttribute('src')
    const url = link === null ? null : new URL(link, location.href)
    return url !== null && (url.hostname === 'elsewhere.invalid' || !/^https?:$/.test(url.protocol))
  }
  const named = ['value', 'title', 'aria-label', 'alt', 'placeholder']
  return {
    text: document.documentElement.textContent ?? '',
    titles: all.flatMap((element) => named.map((name) => element.getAttribute(name) ?? '')).join('\n'),
    /** Must not occur in any page. */
    elements: all
      .filter(
        (element) =>
          element.matches('iframe, base, object, embed, img, script:not([src])') ||
          element.getAttributeNames().some((name) => name.startsWith('on')) ||
          isForeign(element),
      )
      .map((element) => element.outerHTML.slice(0, 200)),
  }
}

describe.skipIf(!hasChromium)(inChromium('strings that would be code'), () => {
  const site = useSite()
  let account: Account
  let planted: Planted
  let tab: Tab

  beforeAll(async () => {
    account = await makeAccount(site)
    planted = await plant(site, account)
    tab = await site.signedIn(account)
  }, 2 * minutes)

  test(
    'are rendered as text on every page',
    async () => {
      const { page } = tab
      const seen = new Set<string>()
      const made: string[] = []
      const refused: string[] = []
      const visited = await crawl(page, {
        from: [
          '/',
          ...planted.workflowIds.map((id) => `/workflows/${id}`),
          `/credentials/${account.credentialId}`,
        ],
        most: (shape) => (/^\/\w+\/:\w+(\/edit)?$/.test(shape) ? payloads.length + 2 : 4),
        visit: async (path, _, status) => {
          if (status !== 200) refused.push(`${path} answers ${status}`)
          const { text, titles, elements } = await page.evaluate(readPage)
          for (const each of elements) made.push(`${path}: ${each}`)
          for (const each of planted.texts) if (text.includes(each) || titles.includes(each)) seen.add(each)
        },
      })
      expect(made).toEqual([])
      expect(tab.faults).toEqual([])
      expect(refused).toEqual([])
      expect(planted.texts.filter((text) => !seen.has(text))).toEqual([])
      expect([...visited.keys()]).toEqual(
        expect.arrayContaining(['/workflows/:id', '/executions/:id', '/instances/:id', '/audit']),
      )
    },
    10 * minutes,
  )

  test.each([
    { policy: '', noticed: [/dialogue opened: script/, /dialogue opened: attribute/] },
    { policy: "default-src 'none'", noticed: [/csp: script-src-elem/, /csp: script-src-attr/] },
  ])('would be detected otherwise (policy: "$policy")', async ({ policy, noticed }) => {
    const { page, faults } = await site.tab()
    await page.route('**/planted', (route) =>
      route.fulfill({
        headers: { 'Content-Type': 'text/html', ...(policy && { 'Content-Security-Policy': policy }) },
        body: `<script>alert('script')</script><svg onload="alert('attribute')"></svg>`,
      }),
    )
    await page.goto('/planted')
    await expect.poll(() => noticed.every((each) => faults.some((fault) => each.test(fault)))).toBe(true)
    expect((await page.evaluate(readPage)).elements).toHaveLength(2)
  })

  test.each([
    '/executions?q=%s&node=%s&status=%s&wf=%s&nonsense=%s',
    '/workflows?q=%s&node=%s&cred=%s&tag=%s',
    '/credentials?q=%s&type=%s&health=%s',
    '/deployments?q=%s&status=%s',
    '/search?q=%s',
    '/audit?action=%s',
    '/errors/%s',
    '/credentials/new/%s',
    '/no-such-page/%s',
  ])(
    'are rendered as text from a URL: %s',
    async (pattern) => {
      const { page } = tab
      for (const payload of payloads) {
        await page.goto(pattern.replaceAll('%s', encodeURIComponent(payload)))
        expect(await page.locator('main iframe, main base, main img, script:not([src])').count()).toBe(0)
      }
      expect(tab.faults).toEqual([])
    },
    3 * minutes,
  )

  test.each(['/sign-in?return=%s', '/register?return=%s'])(
    'never become links or redirects: %s',
    async (pattern) => {
      const guest = await site.tab()
      for (const target of [
        ...payloads,
        'javascript:alert(1)',
        '//elsewhere.invalid',
        'https://elsewhere.invalid',
      ]) {
        await guest.page.goto(pattern.replace('%s', encodeURIComponent(target)))
        const actions = await guest.page.$$eval('form', (forms) => forms.map((form) => form.action))
        for (const action of actions) expect(new URL(action).origin).toBe(site.url)
      }
      expect(guest.faults).toEqual([])
    },
    minutes,
  )
})

async function plant({ app }: Site, account: Account): Promise<Planted> {
  const { db, credentials, instances } = app.deps
  const sql = db.$client
  const workflowIds: string[] = []
  for (const [index, payload] of payloads.entries()) {
    const path = `planted-${index}`
    const base = orders(payload, path)
    const nodes = [
      { ...base.nodes[0], name: `start ${payload}` },
      {
        ...base.nodes[1],
        name: `node ${payload}`,
        credentials: { slackApi: { id: 'x', name: `kept ${payload}` } },
      },
      {
        id: 'note',
        name: `note ${payload}`,
        type: 'n8n-nodes-base.stickyNote',
        typeVersion: 1,
        position: [0, 240],
        parameters: { content: payload },
      },
      {
        id: 'odd',
        name: `odd ${payload}`,
        type: `community.${payload.replaceAll(/\s/g, '')}`,
        typeVersion: 1,
        position: [448, 0],
        parameters: { [payload]: payload },
      },
    ]
    const connections = {
      [`start ${payload}`]: { main: [[{ node: `node ${payload}`, type: 'main', index: 0 }]] },
      [`node ${payload}`]: { main: [[{ node: `odd ${payload}`, type: 'main', index: 0 }]] },
    }
    const workflow = await account.create('/v1/workflows', {
      workflow: { ...base, nodes, connections },
      name: `workflow ${payload}`,
      description: `description ${payload}`,
      prompt: `prompt ${payload}`,
      model: `model ${payload}`,
      tags: [payload],
    })
    const changed = await account.call('PATCH', `/v1/workflows/${workflow.id}`, {
      body: { workflow: { ...base, nodes: nodes.slice(0, 3), connections: {} }, prompt: `again ${payload}` },
      headers: { 'If-Match': '*' },
    })
    if (changed.status !== 200) throw new Error(changed.text)
    workflowIds.push(workflow.id)

    const credential = await account.create('/v1/credentials', {
      type: 'slackApi',
      name: `credential ${payload}`,
      service: `service ${payload}`,
      data: { accessToken: `token-${index}` },
    })
    const opened = await credentials.open(account.id, credential.id)
    if (opened)
      await credentials.recordValidation(account.id, opened, {
        status: 'invalid',
        error: `refusal ${payload}`,
      })

    const instance = await account.create('/v1/instances', {
      name: `instance ${payload}`,
      baseUrl: `https://n8n-${index}.example.com`,
      apiKey: 'a-key',
    })
    await instances.recordTest(account.id, instance.id, 1, {
      status: 'limited',
      detail: `detail ${payload}`,
      n8nVersion: `version ${payload}`,
      generation: 'current',
      cannot: [`cannot ${payload}`],
      testedAt: new Date().toISOString(),
    })
    const deployment = await account.create('/v1/deployments', {
      workflowId: workflow.id,
      instanceId: instance.id,
      n8nWorkflowId: path,
      bindings: { slackApi: credential.id },
    })
    await sql`update deployments set status = 'failed', step = ${`step ${payload}`}, error = ${`stopped ${payload}`},
      intent = '{"action":"deploy","version":2}' where id = ${deployment.id}`
    const reported = await app.call('POST', `/hooks/n8n/${instance.id}`, {
      token: instance.webhookToken,
      body: [
        {
          ...runOf({
            id: String(index),
            minutesAgo: index + 1,
            workflowId: path,
            failure: { message: `failure ${payload}` },
            nodes: [`start ${payload}`, `node ${payload}`],
          }),
          mode: payload,
        },
        { executionId: `own-${index}`, workflowId: path, status: 'success', data: { [payload]: [payload] } },
        { executionId: `lost-${index}`, workflowId: 'nobody', status: payload },
      ],
    })
    if (reported.status !== 200) throw new Error(reported.text)
    await account.call('PATCH', '/v1/me', { body: { name: `user ${payload}` } })
    await sql`insert into audit_events (id, user_id, action, subject_id, details)
      values (${workflow.id.replace(/.{4}$/, 'ffff')}, ${account.id}, 'workflow.planted', ${workflow.id}, ${JSON.stringify({ [payload]: payload })})`
  }
  const shown = [
    'workflow',
    'description',
    'prompt',
    'again',
    'node',
    'credential',
    'refusal',
    'instance',
    'detail',
    'cannot',
    'stopped',
    'failure',
  ]
  const lastName = `user ${payloads.at(-1)}`
  return {
    workflowIds,
    texts: [...payloads.flatMap((payload) => shown.map((what) => `${what} ${payload}`)), lastName],
  }
}
