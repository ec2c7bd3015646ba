import { describe, expect, test } from 'vitest'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'

const catalogue = await loadCatalogue()
const credentialTypes = catalogue.searchCredentialTypes()
const nodeTypes = catalogue.searchNodeTypes()

describe('the catalogue of n8n 2.41.1', () => {
  test('has 447 credential types, 113 with OAuth2 sign-in', () => {
    expect(credentialTypes).toHaveLength(447)
    expect(credentialTypes.filter((each) => each.oauth)).toHaveLength(113 + 3)
  })

  test('has 568 node types in 1,009 type versions, and 112 triggers', () => {
    expect(nodeTypes).toHaveLength(568)
    const versions = nodeTypes.flatMap((each) => catalogue.nodeType(each.type)?.versions)
    expect(versions).toHaveLength(1009)
    expect(nodeTypes.filter((each) => each.trigger)).toHaveLength(112)
  })

  test('has 186 credential types that n8n can test with a declared request', () => {
    const testable = credentialTypes.filter((each) => catalogue.credentialType(each.type)?.testable)
    expect(testable).toHaveLength(186)
  })

  test('describes every credential type that a node declares', () => {
    const declared = nodeTypes.flatMap((each) => catalogue.nodeType(each.type)?.credentialTypes ?? [])
    const unknown = declared.filter((name) => catalogue.credentialType(name) === undefined)
    expect(unknown).toEqual([])
  })

  test('is loaded once', async () => {
    expect(await loadCatalogue()).toBe(catalogue)
  })
})

describe('a credential type', () => {
  test('lists its fields, secret and required ones, and the nodes that use it', () => {
    const type = catalogue.credentialType('slackApi')
    expect(type).toMatchObject({ type: 'slackApi', displayName: 'Slack API', oauth: false, testable: true })
    expect(type?.fields).toContainEqual({
      name: 'accessToken',
      label: 'Access Token',
      kind: 'string',
      required: true,
      secret: true,
    })
    expect(type?.nodeTypes).toEqual(['n8n-nodes-base.slack', 'n8n-nodes-base.slackTrigger'])
  })

  test.each([
    [
      'postgres',
      [
        'host',
        'database',
        'user',
        'password',
        'maxConnections',
        'allowUnauthorizedCerts',
        'ssl',
        'port',
        'sshTunnel',
        'sshAuthenticateWith',
        'sshHost',
        'sshPort',
        'sshUser',
        'sshPassword',
        'privateKey',
        'passphrase',
      ],
    ],
    ['httpHeaderAuth', ['name', 'value', 'allowedHttpRequestDomains', 'allowedDomains']],
    [
      'googleSheetsOAuth2Api',
      [
        'serverUrl',
        'clientId',
        'clientSecret',
        'sendAdditionalBodyProperties',
        'additionalBodyProperties',
        'allowedHttpRequestDomains',
        'allowedDomains',
        'oauthTokenData',
        'customScopes',
        'enabledScopes',
      ],
    ],
    [
      'openAiApi',
      [
        'apiKey',
        'organizationId',
        'url',
        'header',
        'headerName',
        'headerValue',
        'allowedHttpRequestDomains',
        'allowedDomains',
      ],
    ],
  ])('%s has the fields of its n8n 2.41.1 schema, including inherited ones', (name, expected) => {
    const visible = catalogue.credentialType(name)?.fields.filter((field) => field.kind !== 'hidden')
    expect(visible?.map((field) => field.name).toSorted()).toEqual(expected.toSorted())
  })

  test('has a label for every field that n8n shows', () => {
    const fields = catalogue
      .searchCredentialTypes()
      .flatMap(({ type }) => catalogue.credentialType(type)?.fields ?? [])
    const unlabelled = fields.filter(({ kind, label }) => kind !== 'hidden' && !label)
    expect([...new Set(unlabelled.map(({ name }) => name))]).toEqual(['oauthTokenData'])
  })

  test('lists the options of a field by value', () => {
    const field = catalogue.credentialType('postgres')?.fields.find((each) => each.name === 'ssl')
    expect(field).toEqual({
      name: 'ssl',
      label: 'SSL',
      kind: 'options',
      required: false,
      secret: false,
      options: ['allow', 'disable', 'require'],
      default: 'disable',
      shownWhen: { allowUnauthorizedCerts: [false] },
    })
  })

  test('requires a field only while n8n shows it, with defaults for the other fields', () => {
    const required = (type: string) =>
      catalogue
        .credentialType(type)
        ?.fields.filter((field) => field.required)
        .map(({ name }) => name)
    expect(required('slackOAuth2Api')).toEqual(['clientId', 'clientSecret'])
    expect(required('oAuth2Api')).toEqual(['authUrl', 'accessTokenUrl', 'clientId', 'clientSecret'])
    const serverUrl = catalogue.credentialType('oAuth2Api')?.fields.find(({ name }) => name === 'serverUrl')
    expect(serverUrl).toMatchObject({ required: false, shownWhen: { useDynamicClientRegistration: [true] } })
  })

  test('omits options whose value n8n rejects', () => {
    const names = catalogue.credentialType('oracleDBApi')?.fields.map(({ name }) => name)
    expect(names).toContain('user')
    expect(names).not.toContain('privilege')
  })

  test('is OAuth if an ancestor is', () => {
    expect(catalogue.credentialType('googleSheetsOAuth2Api')?.oauth).toBe(true)
    expect(catalogue.credentialType('twitterOAuth1Api')?.oauth).toBe(true)
    expect(catalogue.credentialType('googleApi')?.oauth).toBe(false)
  })
})

describe('a node type', () => {
  test('lists the credential types of all its versions', () => {
    expect(catalogue.nodeType('n8n-nodes-base.slack')).toEqual({
      type: 'n8n-nodes-base.slack',
      displayName: 'Slack',
      trigger: false,
      credentialTypes: ['slackApi', 'slackOAuth2Api'],
      versions: [1, 2, 2.1, 2.2, 2.3, 2.4, 2.5, 2.6, 2.7],
      takesAnyVersion: false,
      defaultVersion: 2.7,
    })
  })

  test('that accepts generic types lists those too', () => {
    const types = catalogue.nodeType('n8n-nodes-base.httpRequest')?.credentialTypes
    expect(types).toContain('httpBearerAuth')
    expect(types).toContain('httpSslAuth')
    expect(catalogue.credentialType('httpBearerAuth')?.nodeTypes).toContain('n8n-nodes-base.httpRequest')
  })

  test.each([
    ['n8n-nodes-base.slackTool', 'Slack Tool', ['slackApi', 'slackOAuth2Api']],
    ['n8n-nodes-base.slackHitlTool', 'Slack HITL Tool', ['slackApi', 'slackOAuth2Api']],
    ['@n8n/n8n-nodes-langchain.agentTool', 'AI Agent Tool', []],
  ])('%s is known, whether built in or derived', (type, displayName, expected) => {
    const nodeType = catalogue.nodeType(type)
    expect(nodeType).toMatchObject({ displayName, trigger: false, credentialTypes: expected })
    expect(nodeType?.versions).not.toContain(1.9)
  })

  test('has tool variants only where n8n derives them', () => {
    expect(catalogue.nodeType('n8n-nodes-base.webhookTool')).toBeUndefined()
    expect(catalogue.nodeType('n8n-nodes-base.httpRequestHitlTool')).toBeUndefined()
    expect(catalogue.nodeType('n8n-nodes-base.slackTool')?.versions).not.toContain(1)
  })
})

test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', '', 'Tool', 'HitlTool', 'slackApi '])(
  '%j is neither a node type nor a credential type',
  (name) => {
    expect(catalogue.nodeType(name)).toBeUndefined()
    expect(catalogue.nodeDescription(name, 1)).toBeUndefined()
    expect(catalogue.credentialType(name)).toBeUndefined()
    expect(catalogue.credentialFields(name)).toEqual([])
  },
)

describe('search', () => {
  test('matches type and display name, ignoring case', () => {
    const found = catalogue.searchCredentialTypes('SLACK').map((each) => each.type)
    expect(found).toEqual(['slackApi', 'slackManagerOAuth2Api', 'slackOAuth2Api'])
    expect(catalogue.searchNodeTypes('google sheets').map((each) => each.type)).toEqual([
      'n8n-nodes-base.googleSheets',
      'n8n-nodes-base.googleSheetsTrigger',
    ])
  })

  test('treats the query as text, not as a pattern', () => {
    expect(catalogue.searchNodeTypes('.*')).toEqual([])
  })

  test('sorts results by type', () => {
    const types = nodeTypes.map((each) => each.type)
    expect(types).toEqual(types.toSorted())
  })
})
