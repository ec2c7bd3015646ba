/** The credential of each slot: the first rule that applies, and no guesses. */
import { describe, expect, test } from 'vitest'
import type { AvailableCredential } from '../../src/credentials/available.ts'
import type { CredentialChoice, SlotBinding } from '../../src/db/schema/deployments.ts'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import { readSlots } from '../../src/n8n/reading/slots.ts'
import { type BindingSource } from '../../src/workflows/binding-sources.ts'
import { type RequestedBinding, resolveSlots } from '../../src/workflows/slot-bindings.ts'

const catalogue = await loadCatalogue()
const header = 'httpHeaderAuth'

const node = (name: string, type: string, more: object = {}) => ({
  id: `id-${name}`,
  name,
  type: `n8n-nodes-base.${type}`,
  typeVersion: 2.2,
  parameters: {},
  ...more,
})
const attached = (type: string, named?: string) =>
  named === undefined ? {} : { credentials: { [type]: { id: 'x', name: named } } }
const slack = (name: string, named?: string) => node(name, 'slack', attached('slackApi', named))
const http = (name: string, url: string, named?: string, type = header) =>
  node(name, 'httpRequest', {
    typeVersion: 4.2,
    parameters: { url, authentication: 'genericCredentialType', genericAuthType: type },
    ...attached(type, named),
  })
const predefined = (name: string, url: string, type: string, named?: string) =>
  node(name, 'httpRequest', {
    typeVersion: 4.2,
    parameters: { url, authentication: 'predefinedCredentialType', nodeCredentialType: type },
    ...attached(type, named),
  })

const held = (name: string, type = header, more: Partial<AvailableCredential> = {}): AvailableCredential => ({
  id: name,
  name,
  type,
  status: 'untested',
  usable: true,
  ...more,
})
const requested = (type: string, id: string, nodeName?: string): RequestedBinding => ({
  ...(nodeName !== undefined && { node: nodeName }),
  type,
  credential: { credentialId: id },
  pointer: '/bindings/0',
})
const source = (
  reason: BindingSource['reason'],
  nodes: object[],
  bound: [node: string, type: string, credential: string | CredentialChoice][],
): BindingSource => ({
  reason,
  content: readSlots({ nodes }, catalogue),
  bindings: bound.map(
    ([nodeName, type, credential]): SlotBinding => ({
      node: nodeName,
      type,
      ...(typeof credential === 'string' ? { credentialId: credential } : credential),
    }),
  ),
})

interface Question {
  available?: AvailableCredential[]
  requested?: RequestedBinding[]
  sources?: BindingSource[]
}

const resolve = (nodes: object[], { available = [], ...more }: Question = {}) =>
  resolveSlots({ wanted: readSlots({ nodes }, catalogue), catalogue, available, ...more })

/** Node → status, credential and reason. */
const filled = (nodes: object[], question?: Question) =>
  Object.fromEntries(
    resolve(nodes, question).map(({ node: { name }, status, credential, reason }) => {
      const id =
        credential && ('credentialId' in credential ? credential.credentialId : credential.n8nCredentialId)
      return [name, [status, ...(credential ? [id, reason] : [])].join(' ')]
    }),
  )

describe('without a requested binding', () => {
  test('the only credential of a service fills every slot of its type', () => {
    expect(filled([slack('A'), slack('B')], { available: [held('Team', 'slackApi')] })).toEqual({
      A: 'bound Team only',
      B: 'bound Team only',
    })
  })

  test.each([
    'httpHeaderAuth',
    'httpBasicAuth',
    'httpBearerAuth',
    'httpQueryAuth',
    'httpDigestAuth',
    'httpCustomAuth',
    'oAuth1Api',
    'oAuth2Api',
  ])('the only %s fills nothing, because it belongs to no service', (type) => {
    const available = [held('Only', type)]
    expect(filled([http('A', 'https://a.test', undefined, type)], { available })).toEqual({ A: 'ambiguous' })
    expect(filled([http('A', 'https://a.test', 'Only', type)], { available })).toEqual({
      A: 'bound Only name',
    })
  })

  test('the only JWT and certificate fill nothing either', () => {
    const hook = node('Hook', 'webhook', {
      typeVersion: 2,
      parameters: { path: 'x', authentication: 'jwtAuth' },
    })
    const certificate = node('Call', 'httpRequest', {
      typeVersion: 4.2,
      parameters: { url: 'https://a.test', provideSslCertificates: true },
    })
    const available = [held('J', 'jwtAuth'), held('C', 'httpSslAuth')]
    expect(filled([hook, certificate], { available })).toEqual({ Hook: 'ambiguous', Call: 'ambiguous' })
  })

  test('each node gets the credential that it names, ignoring surrounding spaces', () => {
    const available = [held('CRM key'), held(' ERP key')]
    const nodes = [http('CRM', 'https://crm.test', 'CRM key '), http('ERP', 'https://erp.test', 'ERP key')]
    expect(filled(nodes, { available })).toEqual({ CRM: 'bound CRM key name', ERP: 'bound  ERP key name' })
  })

  test('names are case-sensitive, and two credentials of one name match none', () => {
    expect(filled([slack('A', 'team')], { available: [held('Team', 'slackApi')] })).toEqual({ A: 'missing' })
    const twins = [held('Team', 'slackApi', { id: '1' }), held('Team ', 'slackApi', { id: '2' })]
    expect(filled([slack('A', 'Team')], { available: twins })).toEqual({ A: 'ambiguous' })
  })

  test('a slot that names another credential is missing, and its neighbors do not get the only one either', () => {
    const available = [held('Production', 'slackApi')]
    const [first, second] = resolve([slack('A', 'Staging'), slack('B')], { available })
    expect(first).toMatchObject({
      status: 'missing',
      named: { id: 'x', name: 'Staging' },
      candidates: available,
    })
    expect(second).toMatchObject({ status: 'ambiguous', named: null })
    expect(filled([slack('A', 'Production'), slack('B')], { available })).toEqual({
      A: 'bound Production name',
      B: 'bound Production only',
    })
  })

  test('an ID alone references an unknown credential', () => {
    const nameless = node('A', 'slack', { credentials: { slackApi: { id: '17' } } })
    expect(filled([nameless], { available: [held('Team', 'slackApi')] })).toEqual({ A: 'missing' })
  })

  test('a null ID or an empty entry names nothing', () => {
    const entries = [null, {}, { id: null, name: '' }, { id: '', name: '  ' }]
    const nodes = entries.map((entry, index) =>
      node(`N${index}`, 'slack', { credentials: { slackApi: entry } }),
    )
    const found = filled(nodes, { available: [held('Team', 'slackApi')] })
    expect(new Set(Object.values(found))).toEqual(new Set(['bound Team only']))
  })

  test('two accounts of one service are ambiguous', () => {
    const available = [held('Sales', 'slackApi'), held('Ops', 'slackApi')]
    expect(filled([slack('A'), slack('B', 'Ops')], { available })).toEqual({
      A: 'ambiguous',
      B: 'bound Ops name',
    })
  })

  test('disabled nodes have no slot, and their references do not matter', () => {
    const off = { ...slack('Off', 'Other'), disabled: true }
    expect(filled([off, slack('A')], { available: [held('Team', 'slackApi')] })).toEqual({
      A: 'bound Team only',
    })
  })

  test('a credential rejected by its service is only bound on request', () => {
    const available = [held('Team', 'slackApi', { status: 'invalid' })]
    expect(filled([slack('A')], { available })).toEqual({ A: 'ambiguous' })
    expect(filled([slack('A', 'Team')], { available })).toEqual({ A: 'ambiguous' })
    expect(filled([slack('A')], { available, requested: [requested('slackApi', 'Team')] })).toEqual({
      A: 'bound Team chosen',
    })
  })

  test('a credential without consent is listed but not bound', () => {
    const mail = node('Mail', 'gmail', { typeVersion: 2.1, parameters: { authentication: 'oAuth2' } })
    const available = [held('Shop', 'gmailOAuth2', { usable: false })]
    expect(filled([mail], { available })).toEqual({ Mail: 'needs-consent Shop only' })
    expect(filled([mail])).toEqual({ Mail: 'missing' })
  })
})

describe('a requested binding', () => {
  const nodes = [http('CRM', 'https://crm.test', 'CRM'), http('ERP', 'https://erp.test', 'ERP')]
  const available = [held('CRM'), held('ERP'), held('Other')]

  test('for a node takes precedence over one for the type, which takes precedence over names', () => {
    const choices = [requested(header, 'Other'), requested(header, 'ERP', 'CRM')]
    expect(filled(nodes, { available, requested: choices })).toEqual({
      CRM: 'bound ERP chosen',
      ERP: 'bound Other chosen',
    })
  })

  test('can be a credential that only n8n has', () => {
    const credential = { n8nCredentialId: 'inN8n' }
    expect(
      filled(nodes, {
        available,
        requested: [{ node: 'ERP', type: header, credential, pointer: '/bindings/0' }],
      }),
    ).toEqual({ CRM: 'bound CRM name', ERP: 'n8n inN8n chosen' })
  })

  test.each<[string, RequestedBinding[], RegExp]>([
    ['for an unknown node', [requested(header, 'CRM', 'Nobody')], /no node "Nobody"/],
    [
      'for a type that the node does not support',
      [requested('slackApi', 'CRM', 'CRM')],
      /does not use a slackApi.*httpHeaderAuth/,
    ],
    ['for a type that no node needs', [requested('slackApi', 'CRM')], /No node needs a slackApi/],
    ['to an unknown credential', [requested(header, 'Gone')], /no httpHeaderAuth credential with this ID/],
    ['repeated for a node', [requested(header, 'CRM', 'CRM'), requested(header, 'ERP', 'CRM')], /already/],
    ['repeated for a type', [requested(header, 'CRM'), requested(header, 'CRM')], /already/],
  ])('%s is rejected', (_, choices, reason) => {
    expect(() => resolve(nodes, { available, requested: choices })).toThrow(reason)
  })
})

describe('an earlier binding', () => {
  const crm = http('CRM', 'https://crm.test/v1', 'CRM')
  const available = [held('CRM'), held('ERP')]

  test('stays, although the JSON names another credential', () => {
    const sources = [source('earlier', [crm], [['CRM', header, 'ERP']])]
    expect(filled([crm], { available, sources })).toEqual({ CRM: 'bound ERP earlier' })
  })

  test('is replaced by a requested binding, and by the next rule once it is deleted', () => {
    const sources = [source('earlier', [crm], [['CRM', header, 'Gone']])]
    expect(filled([crm], { available, sources })).toEqual({ CRM: 'bound CRM name' })
    const bound = [source('earlier', [crm], [['CRM', header, 'CRM']])]
    expect(filled([crm], { available, sources: bound, requested: [requested(header, 'ERP')] })).toEqual({
      CRM: 'bound ERP chosen',
    })
  })

  test('follows a renamed node that keeps its ID in n8n', () => {
    const sources = [source('earlier', [crm], [['CRM', header, 'CRM']])]
    const renamed = { ...http('Customers', 'https://crm.test/v1'), id: crm.id }
    expect(filled([renamed], { available, sources })).toEqual({ Customers: 'bound CRM earlier' })
    const another = { ...renamed, id: 'other' }
    expect(filled([another], { available, sources })).toEqual({ Customers: 'ambiguous' })
  })

  test('follows the name if IDs are new', () => {
    const before = [
      { ...crm, id: '1' },
      { ...http('ERP', 'https://erp.test'), id: '2' },
    ]
    const sources = [
      source('earlier', before, [
        ['CRM', header, 'CRM'],
        ['ERP', header, 'ERP'],
      ]),
    ]
    const shifted = [
      { ...http('New', 'https://new.test'), id: '1' },
      { ...http('CRM', 'https://crm.test'), id: '2' },
      { ...http('ERP', 'https://erp.test'), id: '3' },
    ]
    expect(filled(shifted, { available, sources })).toEqual({
      New: 'ambiguous',
      CRM: 'bound CRM earlier',
      ERP: 'bound ERP earlier',
    })
  })

  test('does not spread to a copy of the node', () => {
    const sources = [source('earlier', [crm], [['CRM', header, 'CRM']])]
    const copy = { ...http('CRM1', 'https://crm.test/v2'), id: 'copy' }
    expect(filled([crm, copy], { available, sources })).toEqual({
      CRM: 'bound CRM earlier',
      CRM1: 'ambiguous',
    })
  })

  test('takes precedence over credentials in n8n, unless it was never deployed', () => {
    const live = source('live', [crm], [['CRM', header, { n8nCredentialId: 'inN8n' }]])
    const earlier = source('earlier', [crm], [['CRM', header, 'ERP']])
    expect(filled([crm], { available, sources: [earlier, live] })).toEqual({ CRM: 'bound ERP earlier' })
    expect(filled([crm], { available, sources: [live] })).toEqual({ CRM: 'n8n inN8n live' })
  })
})

describe('a new host', () => {
  const available = [held('CRM'), held('ERP')]
  const before = [http('CRM', 'https://crm.test/v1'), http('ERP', 'https://erp.test')]
  const sources = [
    source('earlier', before, [
      ['CRM', header, 'CRM'],
      ['ERP', header, 'ERP'],
    ]),
  ]
  const only = (nodes: object[], more: Question = {}) => {
    const [first] = resolve(nodes, { available, sources, ...more })
    return first
  }

  test('of the same node needs a new binding and lists both hosts', () => {
    expect(only([http('CRM', 'https://elsewhere.test/v1')])).toMatchObject({
      status: 'ambiguous',
      credential: null,
      newHost: { credential: { credentialId: 'CRM' }, from: ['crm.test'], to: 'elsewhere.test' },
    })
    expect(only([http('CRM', 'https://crm.test:8443/v1')])).toMatchObject({
      newHost: { to: 'crm.test:8443' },
    })
    expect(only([http('CRM', 'https://crm.test/v2')])).toMatchObject({ status: 'bound' })
  })

  test('that is determined at run time needs a new binding, and so does another expression', () => {
    expect(only([http('CRM', '={{ $json.url }}')])).toMatchObject({
      status: 'ambiguous',
      newHost: { to: null },
    })
    const dynamic = [source('earlier', [http('CRM', '={{ $json.a }}')], [['CRM', header, 'CRM']])]
    expect(only([http('CRM', '={{ $json.a }}')], { sources: dynamic })).toMatchObject({ status: 'bound' })
    expect(only([http('CRM', '={{ $json.b }}')], { sources: dynamic })).toMatchObject({ status: 'ambiguous' })
  })

  test('in a constant of another node needs a new binding and names that node', () => {
    const config = (base: string, name = 'base') =>
      node('Config', 'set', {
        typeVersion: 3.4,
        parameters: { assignments: { assignments: [{ name, value: base, type: 'string' }] } },
      })
    const call = http('CRM', "={{ $('Config').item.json.base }}/v1")
    const deployed = [source('earlier', [config('https://crm.test'), call], [['CRM', header, 'CRM']])]
    const find = (nodes: object[]) => resolve(nodes, { available, sources: deployed }).at(-1)
    expect(find([config('https://crm.test/api'), call])).toMatchObject({ status: 'bound' })
    expect(find([http('CRM', 'https://crm.test/v2')])).toMatchObject({ status: 'bound' })
    expect(find([config('https://elsewhere.test'), call])).toMatchObject({
      status: 'ambiguous',
      newHost: { from: ['crm.test'], to: 'elsewhere.test', hasNewInputs: false },
    })
    expect(find([config('=https://{{ $json.host }}'), call])).toMatchObject({ newHost: { to: null } })
  })

  test('that is computed from other inputs needs a new binding', () => {
    const code = (text: string) => node('Config', 'code', { parameters: { jsCode: text } })
    const call = http('CRM', "={{ $('Config').item.json.base }}/v1")
    const deployed = [source('earlier', [code('a'), call], [['CRM', header, 'CRM']])]
    const find = (nodes: object[]) => resolve(nodes, { available, sources: deployed }).at(-1)
    expect(find([code('a'), call])).toMatchObject({ status: 'bound' })
    expect(find([code('b'), call])).toMatchObject({
      status: 'ambiguous',
      newHost: { from: [null], to: null, hasNewInputs: true },
    })
  })

  test('is not accepted by a name in the JSON or a binding for the type', () => {
    expect(only([http('Copy', 'https://elsewhere.test', 'CRM')])).toMatchObject({
      newHost: { to: 'elsewhere.test' },
    })
    const swapped = [http('ERP', 'https://erp.test')]
    expect(only(swapped, { requested: [requested(header, 'CRM')] })).toMatchObject({
      newHost: { from: ['crm.test'], to: 'erp.test' },
    })
  })

  test('lists some of the earlier hosts and counts the others', () => {
    const names = Array.from({ length: 12 }, (_, index) => `N${index}`)
    const many = source(
      'earlier',
      names.map((name) => http(name, `https://${name}.test`)),
      names.map((name): [string, string, string] => [name, header, 'CRM']),
    )
    expect(only([http('CRM', 'https://elsewhere.test', 'CRM')], { sources: [many] })).toMatchObject({
      newHost: { from: ['n0.test', 'n1.test', 'n2.test', 'n3.test', 'n4.test'], moreFrom: 7 },
    })
  })

  test('is accepted by a binding for the node', () => {
    const choice = [requested(header, 'CRM', 'CRM')]
    expect(only([http('CRM', 'https://elsewhere.test')], { requested: choice })).toMatchObject({
      status: 'bound',
      reason: 'chosen',
    })
  })

  test('needs a new binding for a credential that only nodes of its own service used', () => {
    const team = [held('Team', 'slackApi')]
    const used = [source('earlier', [slack('Post')], [['Post', 'slackApi', 'Team']])]
    const nodes = [slack('Post'), predefined('Call', 'https://elsewhere.test', 'slackApi')]
    expect(filled(nodes, { available: team, sources: used })).toEqual({
      Post: 'bound Team earlier',
      Call: 'ambiguous',
    })
    expect(filled(nodes, { available: team })).toEqual({ Post: 'bound Team only', Call: 'bound Team only' })
  })

  test('cannot be reached through a slot that sent no request before', () => {
    const hook = node('Key', 'webhook', {
      typeVersion: 2,
      parameters: { path: 'x', authentication: 'headerAuth' },
    })
    const incoming = [source('earlier', [hook], [['Key', header, 'CRM']])]
    expect(only([http('Key', 'https://elsewhere.test')], { sources: incoming })).toMatchObject({
      status: 'ambiguous',
      newHost: { from: [], to: 'elsewhere.test' },
    })
  })
})

describe('a type selected by an expression', () => {
  const open = (credentials?: object) =>
    node('Open', 'httpRequest', {
      typeVersion: 4.2,
      parameters: {
        url: 'https://a.test',
        authentication: 'predefinedCredentialType',
        nodeCredentialType: '={{ $json.type }}',
      },
      ...(credentials && { credentials }),
    })
  const available = [held('Team', 'slackApi')]

  test('is only bound on request, never by what other nodes use', () => {
    expect(filled([open(), slack('Post')], { available })).toEqual({ Post: 'bound Team only' })
    const forType = [requested('slackApi', 'Team')]
    expect(filled([open()], { available, requested: forType })).toEqual({ Open: 'bound Team chosen' })
    expect(filled([open(), slack('Post')], { available, requested: forType })).toEqual({
      Post: 'bound Team chosen',
    })
    expect(
      filled([open(), slack('Post')], { available, requested: [requested('slackApi', 'Team', 'Open')] }),
    ).toEqual({
      Open: 'bound Team chosen',
      Post: 'bound Team only',
    })
  })

  test('keeps its binding, and requires one for an attached credential', () => {
    const sources = [source('earlier', [open()], [['Open', 'slackApi', 'Team']])]
    expect(filled([open()], { available, sources })).toEqual({ Open: 'bound Team earlier' })
    expect(filled([open({ slackApi: { id: '1', name: 'Theirs' } })], { available })).toEqual({
      Open: 'missing',
    })
  })
})

test('5,000 nodes are resolved in linear time', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => http(`N${index}`, 'https://a.test', 'K'))
  const nodes = many(5_000)
  const bound = nodes.map(({ name }): [string, string, string] => [name, header, 'K'])
  const found = resolve(nodes, { available: [held('K')], sources: [source('earlier', nodes, bound)] })
  expect(found.filter(({ reason }) => reason === 'earlier')).toHaveLength(5_000)
})

describe('a name in another form', () => {
  test('matches in either Unicode form, but not in another case', () => {
    const available = [held('Café'.normalize('NFD'))]
    expect(filled([http('A', 'https://a.test', 'Café'.normalize('NFC'))], { available })).toEqual({
      A: `bound ${'Café'.normalize('NFD')} name`,
    })
    expect(filled([http('A', 'https://a.test', 'CAFÉ')], { available })).toEqual({ A: 'missing' })
  })

  test('prefers the exact match if two names match', () => {
    const [composed, decomposed] = ['Café'.normalize('NFC'), 'Café'.normalize('NFD')]
    const available = [held(composed, header, { id: '1' }), held(decomposed, header, { id: '2' })]
    expect(filled([http('A', 'https://a.test', decomposed)], { available })).toEqual({ A: 'bound 2 name' })
  })
})

describe('a credential that was bound before', () => {
  const available = [held('Old'), held('New')]
  const before = (named?: string) => [
    source('earlier', [http('CRM', 'https://crm.test', named)], [['CRM', header, 'Old']]),
  ]
  const misnamed = (named: string | undefined, sources: BindingSource[]) =>
    resolve([http('CRM', 'https://crm.test', named)], { available, sources })[0]?.misnamed

  test('stays with a finding when the JSON names another one', () => {
    expect(filled([http('CRM', 'https://crm.test', 'New')], { available, sources: before('Old') })).toEqual({
      CRM: 'bound Old earlier',
    })
    expect(misnamed('New', before('Old'))).toEqual({ other: available[1], isNew: true })
    expect(misnamed('New', before('New'))).toEqual({ other: available[1], isNew: false })
    expect(misnamed('Gone', before('Old'))).toEqual({ other: null, isNew: true })
    expect(misnamed('Gone', before('Gone'))).toEqual({ other: null, isNew: false })
    expect(misnamed('Old', before('New'))).toBeUndefined()
    expect(misnamed(undefined, before('Old'))).toBeUndefined()
  })

  test('follows the behavior of the node when two nodes swap names or IDs', () => {
    const query = (name: string, id: string, text: string) =>
      node(name, 'postgres', { id, typeVersion: 2.5, parameters: { operation: 'executeQuery', query: text } })
    const held2 = [held('Read', 'postgres'), held('Write', 'postgres')]
    const sources = [
      source(
        'earlier',
        [query('A', '1', 'select 1'), query('B', '2', 'truncate t')],
        [
          ['A', 'postgres', 'Read'],
          ['B', 'postgres', 'Write'],
        ],
      ),
    ]
    const now = (...nodes: object[]) => filled(nodes, { available: held2, sources })
    expect(now(query('B', '1', 'select 1'), query('A', '2', 'truncate t'))).toEqual({
      B: 'bound Read earlier',
      A: 'bound Write earlier',
    })
    expect(now(query('A', '2', 'select 1'), query('B', '1', 'truncate t'))).toEqual({
      A: 'bound Read earlier',
      B: 'bound Write earlier',
    })
    expect(now(query('B', '1', 'select 2'), query('A', '2', 'truncate u'))).toEqual({
      B: 'ambiguous',
      A: 'ambiguous',
    })
  })

  test('does not follow an ID that two nodes had', () => {
    const twins = [
      node('A', 'slack', { id: 'x' }),
      node('B', 'slack', { id: 'x', parameters: { text: 'b' } }),
    ]
    const teams = [held('One', 'slackApi'), held('Two', 'slackApi')]
    const sources = [
      source('earlier', twins, [
        ['A', 'slackApi', 'One'],
        ['B', 'slackApi', 'Two'],
      ]),
    ]
    expect(filled([node('C', 'slack', { id: 'x' })], { available: teams, sources })).toEqual({
      C: 'ambiguous',
    })
  })

  test('does not move to a node of another type that keeps the name without a host', () => {
    const hook = node('CRM', 'webhook', {
      typeVersion: 2,
      parameters: { path: 'x', authentication: 'headerAuth' },
    })
    expect(filled([hook], { available, sources: before() })).toEqual({ CRM: 'ambiguous' })
  })
})
