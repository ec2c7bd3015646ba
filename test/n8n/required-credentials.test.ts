import { describe, expect, test } from 'vitest'
import { Catalogue, loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import type { CatalogueFile, Conditions } from '../../src/n8n/catalogue/catalogue-file.ts'
import { ParameterFlag } from '../../src/n8n/catalogue/catalogue-file.ts'
import { describeNode, requiredCredentials } from '../../src/n8n/catalogue/required-credentials.ts'

const n8n = await loadCatalogue()

function needs(node: object, catalogue = n8n) {
  const { required, unresolved } = requiredCredentials(node, describeNode(catalogue, node))
  return { required: [...required.keys()].toSorted(), unresolved }
}

function required(node: object, catalogue = n8n): string[] {
  return needs(node, catalogue).required
}

const HTTP = 'n8n-nodes-base.httpRequest'
const SLACK = 'n8n-nodes-base.slack'

/** A node type `p.x` with one credential under `show` and `hide`, and the parameters `a` and, when a = 1, `b`. */
function withConditions(show: Conditions | null, hide?: Conditions): Catalogue {
  const file: CatalogueFile = {
    packages: {},
    nodes: [
      [
        'p.x',
        'X',
        null,
        [
          {
            v: [1, 2, 3],
            f: 2,
            c: [hide ? ['cred', 1, show, hide] : ['cred', 1, show]],
            p: [
              ['a', 0, ParameterFlag.nullable],
              ['b', 'b0', 0, { a: [1] }],
              ['dup', 'one', 0, { a: [1] }],
              ['dup', 'other', 0, null, { a: [1] }],
              ['plain', 'p', ParameterFlag.noDataExpression],
            ],
          },
        ],
      ],
    ],
    credentials: [],
  }
  return new Catalogue(file)
}

const holds = (show: Conditions | null, hide: Conditions | undefined, parameters: object, typeVersion = 1) =>
  required({ type: 'p.x', typeVersion, parameters }, withConditions(show, hide)).length === 1

describe('the description', () => {
  test('matches the type version', () => {
    const parameters = { authentication: 'headerAuth' }
    expect(required({ type: HTTP, typeVersion: 1, parameters })).toEqual(['httpHeaderAuth'])
    expect(required({ type: HTTP, typeVersion: 4.2, parameters })).toEqual([])
  })

  test.each([['1'], ['1.0']])('accepts the type version as the string %j', (typeVersion) => {
    const parameters = { authentication: 'headerAuth' }
    expect(required({ type: HTTP, typeVersion, parameters })).toEqual(['httpHeaderAuth'])
  })

  test.each([[undefined], [null], [0], ['latest'], [{}], [99]])(
    'is the default version for the type version %j',
    (typeVersion) => {
      const parameters = { provideSslCertificates: true, authentication: 'headerAuth' }
      expect(required({ type: HTTP, typeVersion, parameters })).toEqual(['httpSslAuth'])
    },
  )

  test('of a tool variant equals the base description, for versions with the variant', () => {
    const parameters = { authentication: 'oAuth2' }
    expect(required({ type: `${SLACK}Tool`, typeVersion: 2.3, parameters })).toEqual(['slackOAuth2Api'])
    expect(required({ type: `${SLACK}HitlTool`, typeVersion: 2.3, parameters })).toEqual(['slackOAuth2Api'])
  })
})

describe('a declared credential', () => {
  test.each([
    [{}, ['slackApi']],
    [{ authentication: 'accessToken' }, ['slackApi']],
    [{ authentication: 'oAuth2' }, ['slackOAuth2Api']],
    [{ authentication: null }, []],
    [{ authentication: 'bogus' }, []],
  ])('is required while its condition matches, including defaults: %j', (parameters, expected) => {
    expect(required({ type: SLACK, typeVersion: 2.3, parameters })).toEqual(expected)
  })

  test.each([[undefined], [null], ['text'], [[]]])(
    'uses the defaults when parameters are %j',
    (parameters) => {
      expect(required({ type: SLACK, typeVersion: 2.3, parameters })).toEqual(['slackApi'])
    },
  )

  test('counts as shown when its parameter is an expression', () => {
    const parameters = { authentication: '={{ $json.how }}' }
    expect(required({ type: SLACK, typeVersion: 2.3, parameters })).toEqual(['slackApi', 'slackOAuth2Api'])
  })

  test('uses the literal text when its parameter does not support expressions', () => {
    const node = { type: 'n8n-nodes-base.webhook', typeVersion: 2 }
    expect(required({ ...node, parameters: { authentication: '=basicAuth' } })).toEqual(['httpBasicAuth'])
    expect(required({ ...node, parameters: { authentication: '={{ $json.how }}' } })).toEqual([])
  })

  test('is not required because of a stale attachment', () => {
    const parameters = { authentication: 'oAuth2' }
    const credentials = { slackApi: { id: '1', name: 'old' } }
    expect(required({ type: SLACK, typeVersion: 2.3, parameters, credentials })).toEqual(['slackOAuth2Api'])
  })

  test('depends on parameters that depend on others', () => {
    const node = { type: '@n8n/n8n-nodes-langchain.agent', typeVersion: 1.6 }
    const parameters = { agent: 'sqlAgent', dataSource: 'postgres' }
    expect(required({ ...node, parameters })).toEqual(['postgres'])
    expect(required({ ...node, parameters: { dataSource: 'postgres' } })).toEqual([])
    expect(required({ ...node, typeVersion: 2, parameters })).toEqual([])
  })

  test('that is optional is needed if attached and shown', () => {
    const node = { type: 'n8n-nodes-base.kafka', typeVersion: 1, parameters: { useSchemaRegistry: true } }
    const credentials = { schemaRegistryApi: { id: '1' } }
    expect(required(node)).toEqual(['kafka'])
    expect(required({ ...node, credentials })).toEqual(['kafka', 'schemaRegistryApi'])
    expect(required({ ...node, parameters: {}, credentials })).toEqual(['kafka'])
    const { required: found } = requiredCredentials({ ...node, credentials }, describeNode(n8n, node))
    expect(found).toEqual(
      new Map([
        ['kafka', true],
        ['schemaRegistryApi', false],
      ]),
    )
  })
})

describe('a credential type selected by a parameter', () => {
  const predefined = { authentication: 'predefinedCredentialType', nodeCredentialType: 'notionApi' }
  const generic = { authentication: 'genericCredentialType', genericAuthType: 'httpHeaderAuth' }

  test.each([
    [predefined, ['notionApi']],
    [generic, ['httpHeaderAuth']],
    [{ ...predefined, genericAuthType: 'httpHeaderAuth' }, ['notionApi']],
    [{ ...predefined, authentication: 'none' }, []],
    [{ nodeCredentialType: 'notionApi' }, []],
    [{ authentication: 'predefinedCredentialType' }, []],
    [{ authentication: 'predefinedCredentialType', nodeCredentialType: '' }, []],
    [{ authentication: 'predefinedCredentialType', nodeCredentialType: 5 }, []],
    [{ ...generic, provideSslCertificates: true }, ['httpHeaderAuth', 'httpSslAuth']],
  ])('is required while the parameter is shown and set: %j', (parameters, expected) => {
    expect(needs({ type: HTTP, typeVersion: 4.2, parameters })).toEqual({
      required: expected,
      unresolved: [],
    })
  })

  test('is unresolved when an expression selects it', () => {
    const parameters = { ...generic, genericAuthType: '={{ $json.type }}' }
    expect(needs({ type: HTTP, typeVersion: 4.2, parameters })).toEqual({
      required: [],
      unresolved: ['genericAuthType'],
    })
    expect(
      needs({ type: HTTP, typeVersion: 4.2, parameters: { ...parameters, authentication: 'none' } }),
    ).toEqual({ required: [], unresolved: [] })
  })
})

describe('of an unknown node type', () => {
  test.each<[unknown, string[]]>([
    [{ someApi: { id: '1' }, otherApi: 'x', third: {} }, ['otherApi', 'someApi', 'third']],
    [{ someApi: null }, []],
    ['someApi', []],
    [['someApi'], []],
    [null, []],
    [undefined, []],
  ])('requires the attached ones: %j', (credentials, expected) => {
    expect(required({ type: 'n8n-nodes-acme.thing', credentials })).toEqual(expected)
  })
})

describe('a condition', () => {
  test.each<[Conditions, unknown, boolean]>([
    [{ a: [1, 2] }, 2, true],
    [{ a: [1, 2] }, 3, false],
    [{ a: [1] }, [5, 1], true],
    [{ a: ['1'] }, 1, false],
    [{ a: [true] }, true, true],
    [{ '/a': [1] }, 1, true],
    [{ a: ['v'] }, { __rl: true, value: 'v', mode: 'id' }, true],
    [{ a: [{ _cnd: { eq: 4 } }] }, 4, true],
    [{ a: [{ _cnd: { not: 4 } }] }, 4, false],
    [{ a: [{ _cnd: { not: 4 } }] }, [], true],
    [{ a: [{ _cnd: { eq: 4 } }] }, [], false],
    [{ a: [{ _cnd: { gte: 4 } }] }, 4, true],
    [{ a: [{ _cnd: { gt: 4 } }] }, 4, false],
    [{ a: [{ _cnd: { lte: 4 } }] }, 5, false],
    [{ a: [{ _cnd: { lt: 4 } }] }, 3, true],
    [{ a: [{ _cnd: { between: { from: 2, to: 4 } } }] }, 4, true],
    [{ a: [{ _cnd: { between: { from: 2, to: 4 } } }] }, 5, false],
    [{ a: [{ _cnd: { includes: 'b' } }] }, 'abc', true],
    [{ a: [{ _cnd: { startsWith: 'b' } }] }, 'abc', false],
    [{ a: [{ _cnd: { endsWith: 'c' } }] }, 'abc', true],
    [{ a: [{ _cnd: { exists: true } }] }, '', false],
    [{ a: [{ _cnd: { exists: true } }] }, 'x', true],
    [{ a: [{ _cnd: { noSuchOperator: 1 } }] }, 1, false],
  ])('show %j on %j: %j', (show, a, expected) => {
    expect(holds(show, undefined, { a })).toBe(expected)
  })

  test('requires all show conditions and no hide condition', () => {
    expect(holds({ a: [1], b: ['x'] }, undefined, { a: 1, b: 'x' })).toBe(true)
    expect(holds({ a: [1], b: ['x'] }, undefined, { a: 1, b: 'y' })).toBe(false)
    expect(holds({ a: [1] }, { b: ['x'] }, { a: 1, b: 'x' })).toBe(false)
    expect(holds(null, { a: [1], b: ['x'] }, { a: 2 })).toBe(true)
    expect(holds(null, { a: [1], b: ['x'] }, { a: 1 })).toBe(false)
  })

  test('ignores a parameter that is not displayed, whether set or default', () => {
    expect(holds({ b: ['b0'] }, undefined, { a: 1 })).toBe(true)
    expect(holds({ b: ['b0'] }, undefined, { a: 2 })).toBe(false)
    expect(holds({ b: ['x'] }, undefined, { a: 2, b: 'x' })).toBe(false)
  })

  test('uses the default of the displayed parameter if two share a name', () => {
    expect(holds({ dup: ['one'] }, undefined, { a: 1 })).toBe(true)
    expect(holds({ dup: ['other'] }, undefined, { a: 2 })).toBe(true)
    expect(holds({ dup: ['one'] }, undefined, { a: 2 })).toBe(false)
  })

  test('supports the type version and the tool variant', () => {
    expect(holds({ '@version': [{ _cnd: { gte: 2 } }] }, undefined, {}, 2)).toBe(true)
    expect(holds({ '@version': [{ _cnd: { gte: 2 } }] }, undefined, {}, 1)).toBe(false)
    const catalogue = withConditions({ '@tool': [true] })
    expect(required({ type: 'p.xTool', typeVersion: 1 }, catalogue)).toEqual(['cred'])
    expect(required({ type: 'p.x', typeVersion: 1 }, catalogue)).toEqual([])
  })

  test('treats a lone $fromAI as an expression where none is allowed', () => {
    expect(holds({ plain: ['x'] }, undefined, { plain: '=x' })).toBe(true)
    expect(holds({ plain: ['x'] }, undefined, { plain: '={{ $json.x }}' })).toBe(false)
    expect(holds({ plain: ['x'] }, undefined, { plain: "={{ $fromAI('p') }}" })).toBe(true)
  })

  test('ignores inherited properties', () => {
    expect(holds({ a: [0] }, undefined, JSON.parse('{"__proto__":{"a":1}}'))).toBe(true)
  })
})
