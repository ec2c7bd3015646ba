/** Every page and form of the dashboard, every MCP tool, and every other route, with hostile input. */
import { afterAll, expect, test } from 'vitest'
import { exampleOf } from '../../src/http/openapi-examples.ts'
import { collectionFor } from '../fuzz/values.ts'
import { parsePage } from '../harness/dom.ts'
import { pkce } from '../oauth/app-client.ts'
import { bodiesOf, hostileIds, queriesOf, range, textOf, wholeBodies, workflowsOf } from './hostile.ts'
import { type Account, compare, createAccounts, createMeasuredApp, formOf, type Sent } from './requests.ts'

const size = 200
const app = await createMeasuredApp()
afterAll(() => app.close())
const accounts = await createAccounts(app, size)
const { json: document } = await app.call('GET', '/openapi.json')

const documented = new Set(
  Object.entries<object>(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
  ),
)
const routes = [...new Set(app.app.routes.map(({ method, path }) => `${method} ${path}`))]
  .map((name) => ({ name, method: name.split(' ')[0] ?? '', path: name.split(' ')[1] ?? '' }))
  .filter(
    ({ name, method }) => method !== 'ALL' && !documented.has(name.replaceAll(/(:\w+)\{[^}]+\}/g, '$1')),
  )
  .filter(({ path }) => !path.startsWith('/assets/') && !path.startsWith('/v1/'))
const patterns = routes.map(({ name, method, path }) => ({
  name,
  method,
  pattern: new RegExp(`^${path.replaceAll(/:\w+(\{[^}]+\})?/g, '[^/]+')}$`),
}))
/** The first route that matches answers. */
const routeOf = (method: string, url: string) =>
  patterns.find((each) => each.method === method && each.pattern.test(url.split('?')[0] ?? ''))?.name

/** Folder of a page → collection of its resource, where their names differ. */
const collections: Record<string, string> = {
  errors: 'analytics/errors',
  alerts: 'alerts/rules',
  'alerts/channels': 'alerts/channels',
  'account/tokens': 'tokens',
}
const parts: Record<string, string> = { version: '1', range: '1..2', type: 'slackApi' }

/** n8n returns each item once for each node, so a test of a large workflow would grow with the product. */
const ofTests = /^\/workflows\/:id\/tests$/

const pathOf = (path: string, { ids }: Account): string =>
  path
    .replace(ofTests, `/workflows/${ids['tested workflow']}/tests`)
    .replaceAll(/([\w/]+)\/:(\w+)/g, (_, folder: string, name: string) => {
      const collection = folder.slice(1)
      const id =
        name === 'id'
          ? ids[collections[collection] ?? collection]
          : name === 'test'
            ? ids['test-runs']
            : name === 'deadLetterId'
              ? ids['dead-letters']
              : parts[name]
      return `${folder}/${id ?? '01890000-0000-7000-8000-000000000000'}`
    })

type Fields = [name: string, value: string][]
interface Site {
  /** Route → addresses of links to it. */
  links: Map<string, string[]>
  /** Route → a form that posts to it. */
  forms: Map<string, { action: string; fields: Fields }>
  /** Route → names in the query of its links and search forms. */
  queries: Map<string, Set<string>>
}

/** Fields of a form, with the choices that are not chosen. */
function fieldsOf(form: Element): Fields {
  return [...form.querySelectorAll('[name]')].flatMap((field) => {
    const chosen = field.querySelector('option[selected], option')
    const value =
      field.localName === 'textarea'
        ? field.textContent
        : (field.getAttribute('value') ?? chosen?.getAttribute('value'))
    return [[field.getAttribute('name') ?? '', value ?? '']] as Fields
  })
}

/** Pages that are links only in states that the account does not have. */
const more = ({ ids }: Account): string[] => [
  `/deployments/new?workflow=${ids['spare workflow']}&instance=${ids['instances']}`,
  `/deployments/continue?workflow=${ids['spare workflow']}`,
  `/deployments/${ids['deployments']}/rollback?version=1`,
  `/executions/news?than=${ids['executions']}`,
  `/workflows/${ids['workflows']}/diff?from=1&to=2`,
  '/deployments/track',
  '/alerts/new?kind=drift',
  '/account/security/change?do=totp',
  '/search?q=large',
  '/search/suggestions?q=large',
]

/** Visits every page, with and without a session. */
async function explore(account: Account): Promise<Site> {
  const site: Site = { links: new Map(), forms: new Map(), queries: new Map() }
  const addNames = (route: string, names: Iterable<string>) =>
    site.queries.set(route, new Set([...(site.queries.get(route) ?? []), ...names]))
  const pages = routes.filter(({ method }) => method === 'GET').map(({ path }) => pathOf(path, account))
  for (const path of [...pages, ...more(account)]) {
    for (const headers of [{}, { Cookie: '' }]) {
      const { text } = await account.send({ method: 'GET', path, headers })
      if (!text.startsWith('<!')) continue
      const { document: page } = parsePage(text)
      const urls = [...page.querySelectorAll('a[href^="/"]')].map((each) => each.getAttribute('href') ?? '')
      for (const url of [...urls, ...more(account)]) {
        const route = routeOf('GET', url.split('#')[0] ?? '')
        const query = url.split('#')[0]?.split('?')[1]
        if (!route || query === undefined) continue
        addNames(route, new URLSearchParams(query).keys())
        const links = site.links.get(route) ?? []
        if (links.length < 3 && !links.includes(url)) site.links.set(route, [...links, url])
      }
      for (const form of page.querySelectorAll('form')) {
        const action = form.getAttribute('action') ?? path
        const method = form.getAttribute('method')?.toUpperCase() ?? 'GET'
        const route = routeOf(method, action)
        if (!route) continue
        const fields = fieldsOf(form)
        if (method === 'GET')
          addNames(
            route,
            fields.map(([name]) => name),
          )
        else if (!site.forms.has(route)) site.forms.set(route, { action, fields })
      }
    }
  }
  return site
}

for (const account of accounts) await account.renew()
const sites = new Map<Account, Site>()
for (const account of accounts) sites.set(account, await explore(account))
const [model] = accounts
const names = (route: string) => [...((model && sites.get(model)?.queries.get(route)) ?? [])]

const redirectUri = 'https://agent.example.com/callback'
const { challenge } = pkce()
const client = await app.call('POST', '/oauth/register', { body: { redirect_uris: [redirectUri] } })
const asking: Fields = [
  ['response_type', 'code'],
  ['client_id', client.json.client_id],
  ['redirect_uri', redirectUri],
  ['code_challenge', challenge],
  ['code_challenge_method', 'S256'],
]
const asked = new URLSearchParams(asking).toString()

/** Forms that programs send, or that pages show only in states that the account does not have. */
const others: Record<string, Fields> = {
  'POST /workflows/:id/versions/compact': [],
  'POST /workflows/:id/fix': [
    ['expected', '1'],
    ['code', 'x'],
    ['pointer', '/nodes'],
  ],
  'POST /credentials/:id/push': [],
  'POST /credentials/:id/replace': [['with', 'x']],
  'POST /deployments/:id/activate': [],
  'POST /deployments/:id/deactivate': [],
  'POST /deployments/:id/retry': [],
  'POST /deployments/:id/undeploy': [],
  'POST /releases/promote': [
    ['from', 'x'],
    ['to', 'x'],
    ['canary', '1'],
    ['seconds', '1'],
    ['minRuns', '1'],
    ['maxFailureRate', '1'],
    ['maxFailedTargets', '1'],
  ],
  'POST /releases/:id/start': [['planHash', 'x']],
  'POST /releases/:id/halt': [],
  'POST /releases/:id/rollback': [],
  'POST /alerts/deliveries/:id/replay': [],
  'POST /instances/:id/otel/remove': [],
  'POST /models/prices/delete': [['model', 'x']],
  'POST /oauth/token': [
    ['grant_type', 'authorization_code'],
    ['code', 'x'],
    ['client_id', client.json.client_id],
    ['redirect_uri', redirectUri],
    ['code_verifier', 'x'.repeat(43)],
    ['refresh_token', 'x'],
  ],
  'POST /oauth/revoke': [
    ['token', 'x'],
    ['client_id', client.json.client_id],
  ],
  [`POST /oauth/authorize`]: [
    ['decision', 'allow'],
    ['scopes', 'workflows:read'],
    ['_owner', ''],
  ],
  'POST /sign-in/passkey-options': [],
  'POST /account/security/passkey-check': [],
  'POST /account/security/passkeys': [
    ['name', 'x'],
    ['passkey', '{}'],
  ],
  'POST /account/security/totp': [['code', '000000']],
}

function hostileForms(action: string, fields: Fields, account: Account): Sent[] {
  const { scale } = account
  const filled = fields.map(([name, value]): [string, string] => [name, value])
  const without = (name: string) => filled.filter(([each]) => each !== name)
  const fieldNames = [...new Set(fields.map(([name]) => name))]
  const textsOf = (name: string): string[] => [
    ...['equal', 'words', 'marks'].map((kind) => textOf(kind, scale.size * 10)),
    range(scale.size, (at) => `LINE_${at}=value`).join('\n'),
    ...(/workflow$|json/i.test(name) ? workflowsOf(scale.size).map((each) => JSON.stringify(each)) : []),
    ...(name === 'passkey' || name === 'input'
      ? wholeBodies(scale).map((each) => (typeof each === 'string' ? each : JSON.stringify(each)))
      : []),
  ]
  return [
    filled,
    [...filled, ...range(scale.size, (at): [string, string] => [`unknown.${at}`, 'x'])],
    [...filled, ...range(scale.size, (at): [string, string] => [`data.${at}`, 'x'])],
    ...fieldNames.flatMap((name) => [
      ...textsOf(name).map((text): Fields => [...without(name), [name, text]]),
      [
        ...filled,
        ...range(scale.size, (): [string, string] => [
          name,
          fields.find(([each]) => each === name)?.[1] ?? '',
        ]),
      ],
      [...without(name), ...range(scale.size, (at): [string, string] => [name, `x${at}`])],
    ]),
  ].map((each) => formOf(action, each))
}

/** The account's deployment is tracked, not managed. */
const refused = 'GET /deployments/:id/undeploy'
const sizedPages = routes
  .filter(({ method }) => method === 'GET')
  .map((route) => [route.name, route] as const)
test.each(sizedPages)('%s', async (name, { path }) => {
  const { faults, failures, statuses } = await compare(accounts, (account) => {
    const own = pathOf(path, account)
    const linked = sites.get(account)?.links.get(name)?.[0]
    const base = linked ?? (path === '/oauth/authorize' ? `${own}?${asked}` : own)
    const queries = queriesOf(names(name), account.scale)
    return [
      base,
      ...(path.includes(':') ? hostileIds(account.scale).map((id) => path.replaceAll(/:\w+/g, id)) : []),
      ...queries.map((query) => `${own}?${query}`),
      ...queries.map((query) => `${base}${base.includes('?') ? '&' : '?'}${query}`),
    ].map((each) => ({ method: 'GET', path: each }))
  })
  expect({ faults, failures }).toEqual({ faults: [], failures: [] })
  if (name !== refused) expect(Math.min(...statuses), [...statuses].join(' ')).toBeLessThan(400)
})

const call = (method: string, params: unknown) => ({ jsonrpc: '2.0', id: 1, method, params })
await model?.renew()
const listed = await model?.send({ method: 'POST', path: '/mcp', body: call('tools/list', {}) })
// oxlint-disable-next-line typescript/no-explicit-any -- JSON Schema
const tools: [string, any][] = JSON.parse(/\{.*\}/s.exec(listed?.text ?? '')?.[0] ?? '{}').result.tools.map(
  (tool: { name: string; inputSchema: object }) => [tool.name, tool.inputSchema],
)

/** Arguments that the schema does not suggest, because they depend on what is stored. */
const special: Record<string, (account: Account) => object[]> = {
  edit_workflow: ({ ids, nodes }) => [
    {
      workflowId: ids['spare workflow'],
      version: 1,
      dryRun: true,
      operations: nodes.slice(0, 200).map((node, at) => ({ op: 'renameNode', node, name: `Renamed ${at}` })),
    },
  ],
}

/** The documented arguments, with the IDs of what the account has. */
const exampleFor = (schema: object, { ids }: Account) =>
  Object.fromEntries(
    Object.entries(exampleOf(schema, document) as Record<string, unknown>).map(([name, value]) => [
      name,
      name.endsWith('Id') ? (ids[collectionFor(name)] ?? value) : value,
    ]),
  )

test.each(tools)('MCP tool %s', async (name, schema) => {
  const { faults, failures } = await compare(accounts, (account) =>
    [
      ...bodiesOf(document, (each) => each, { schema, example: exampleFor(schema, account) }, account.scale),
      ...(special[name]?.(account) ?? []),
      ...wholeBodies(account.scale),
    ].map((args) => ({
      method: 'POST',
      path: '/mcp',
      body: call('tools/call', { name, arguments: args }),
    })),
  )
  expect({ faults, failures }).toEqual({ faults: [], failures: [] })
})

/** Forms that end the session or the account come last. */
const rank = (path: string): number =>
  /sign-out|account\/delete|end-others|\/end$/.test(path)
    ? 2
    : /(?:delete|remove|revoke|drop|undeploy)$/.test(path)
      ? 1
      : 0
const sizedForms = routes
  .filter(({ method, path }) => method === 'POST' && path !== '/mcp' && path !== '/oauth/register')
  .toSorted((a, b) => rank(a.path) - rank(b.path))
  .map((route) => [route.name, route] as const)

test.each(sizedForms)('%s', async (name, { path }) => {
  const { faults, failures } = await compare(accounts, (account) => {
    const form = sites.get(account)?.forms.get(name)
    const fields = form?.fields ?? others[name]
    // A form that takes input is on a page, or listed.
    if (!fields) throw new Error(`No page has the form ${name}`)
    const own = pathOf(path, account)
    return [
      ...hostileForms(
        form?.action ?? (path === '/oauth/authorize' ? `${own}?${asked}` : own),
        fields,
        account,
      ),
      ...(path.includes(':') ? hostileIds(account.scale) : []).map((id) =>
        formOf(path.replaceAll(/:\w+/g, id), fields),
      ),
    ]
  })
  expect({ faults, failures }).toEqual({ faults: [], failures: [] })
})

test.each(['/mcp', '/oauth/register'])('POST %s', async (path) => {
  const { faults, failures } = await compare(accounts, ({ scale }) =>
    [
      ...wholeBodies(scale),
      range(scale.size, () => call('ping', {})),
      { redirect_uris: range(scale.size, (at) => `https://agent.example.com/${at}`) },
      ...wholeBodies(scale).map((value) => ({ redirect_uris: [redirectUri], client_name: value })),
      ...wholeBodies(scale).map((value) => call('initialize', value)),
    ].map((body) => ({ method: 'POST', path, body })),
  )
  expect({ faults, failures }).toEqual({ faults: [], failures: [] })
})
