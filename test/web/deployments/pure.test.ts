import { describe, expect, test } from 'vitest'
import { betterVersion } from '../../../src/web/deployments/detail/better-version.ts'
import { readListQuery } from '../../../src/web/deployments/list/filter.ts'
import { choiceFields, readChoices } from '../../../src/web/deployments/plan/choices.ts'
import { rolledBackFrom, stagesOf } from '../../../src/web/components/deployment-stages.ts'
import { threeWay } from '../../../src/web/deployments/drift/three-way.ts'
import { valueAt } from '../../../src/web/components/shown-value.ts'

const id = '01985b1a-7e51-7000-8000-000000000000'

describe('the stages of a deployment', () => {
  const stages = (state: object) =>
    stagesOf(
      { status: 'active', step: null, error: null, intent: null, version: 2, ...state } as never,
      null,
    )?.map(({ label, state }) => `${label} ${state}`)
  const deploying = { action: 'deploy', version: 2 }

  test.each([
    [{ status: 'active' }, 'Planned done, Applied done, Verified done, Live done'],
    [{ status: 'pending', intent: deploying }, 'Planned now, Applying ahead, Verifying ahead, Live ahead'],
    [
      { status: 'deploying', step: 'credentials', intent: deploying },
      'Planned done, Applying now, Verifying ahead, Live ahead',
    ],
    [
      { status: 'deploying', step: 'verify', intent: deploying },
      'Planned done, Applied done, Verifying now, Live ahead',
    ],
    [
      { status: 'failed', step: 'publish', intent: deploying },
      'Planned done, Applying failed, Verifying ahead, Live ahead',
    ],
    [
      { status: 'failed', step: 'verify', intent: deploying },
      'Planned done, Applied done, Verifying failed, Live ahead',
    ],
    [{ status: 'inactive' }, 'Planned done, Applied done, Unpublished off'],
    [{ status: 'undeployed' }, 'Requested done, Removed done, Undeployed done'],
    [
      { status: 'deploying', step: 'workflow-delete', intent: { action: 'undeploy' } },
      'Requested done, Removing now, Undeployed ahead',
    ],
  ])('%j', (state, expected) => {
    expect(stages(state)?.join(', ')).toBe(expected)
  })

  test('a tracked deployment has none', () => {
    expect(stages({ status: 'tracking' })).toBeUndefined()
  })

  test.each([
    [[2, 3, 1], 2, 3],
    [[3, 2], 3, null],
    [[2], 2, null],
    [[], 1, null],
    [[2, 3], 1, null],
  ])('versions %j with %d now were rolled back from %j', (versions, current, expected) => {
    expect(
      rolledBackFrom(
        versions.map((version) => ({ version })),
        current,
      ),
    ).toBe(expected)
  })
})

describe('an earlier version that did better', () => {
  const runs = (of: Record<number, [number, number]>) =>
    new Map(
      Object.entries(of).map(([version, [succeeded, failed]]) => [
        Number(version),
        { version: Number(version), runs: succeeded + failed, succeeded, failed },
      ]),
    )
  const history = [{ version: 3 }, { version: 2 }, { version: 1 }]

  test.each([
    ['clearly worse than before', { 3: [4, 6], 2: [99, 1] }, 2],
    ['good enough', { 3: [95, 5], 2: [100, 0] }, null],
    ['no better before', { 3: [5, 5], 2: [5, 5] }, null],
    ['too few runs to compare', { 3: [0, 4], 2: [100, 0] }, null],
    ['no runs of the previous version, a better one before it', { 3: [1, 9], 1: [10, 0] }, 1],
    ['no runs at all', {}, null],
  ] as [string, Record<number, [number, number]>, number | null][])('%s', (_, of, expected) => {
    expect(betterVersion(history, runs(of), 3)?.version ?? null).toBe(expected)
  })
})

describe('choices in a URL', () => {
  test('round-trip through a URL', () => {
    const choices = {
      workflowId: id,
      instanceId: id,
      version: 3,
      publish: false,
      reportSuccess: true,
      fixes: ['connection-by-id', 'empty-connection'],
      slots: [
        { node: null, type: 'slackApi', credential: { credentialId: id }, sentTo: undefined },
        {
          node: 'Call: A & B = 1',
          type: 'httpHeaderAuth',
          credential: { credentialId: id },
          sentTo: 'api.test:8080',
        },
        { node: 'Any', type: 'httpHeaderAuth', credential: { credentialId: id }, sentTo: null },
        {
          node: 'Sheets',
          type: 'googleSheetsOAuth2Api',
          sentTo: undefined,
          credential: { n8nCredentialId: 'aB3dE5fG7hJ9' },
        },
      ],
    }
    expect(readChoices(new URLSearchParams(choiceFields(choices)))).toEqual(choices)
  })

  test.each([
    'workflow=1&instance=x',
    'version=0',
    'version=abc',
    'version=1.5',
    'version=99999999999',
    'credential.slackApi=../etc',
    'credential.=x',
    'credential.__proto__=abc',
    'credential.a%20b=abc',
    'publish=maybe&report=1',
  ])('%s is ignored if invalid', (query) => {
    expect(readChoices(new URLSearchParams(query))).toEqual({
      workflowId: null,
      instanceId: null,
      version: null,
      publish: true,
      reportSuccess: false,
      fixes: [],
      slots: [],
    })
  })

  test('filters accept valid values and report each invalid parameter once', () => {
    const { filter, query, ignored, after } = readListQuery(
      new URLSearchParams(`status=failed&wf=${id}&inst=no&inst=no&q=a&x=1&after=1.2.${id}`),
    )
    expect(filter).toMatchObject({ state: 'failed', workflowId: id, q: 'a', instanceId: undefined })
    expect(query).toEqual({ status: 'failed', wf: id, q: 'a' })
    expect(ignored).toEqual(['inst=no', 'x=1'])
    expect(after).toBe(`1.2.${id}`)
  })
})

describe('values of a drift', () => {
  test.each([
    [{ a: { b: 1 } }, 'a.b', 1],
    [{ 'a.b': { c: 2 } }, 'a.b.c', 2],
    [{ a: { b: 1 }, 'a.b': 3 }, 'a.b', 3],
    [{ list: [{ x: 1 }, { x: 2 }] }, 'list.1.x', 2],
    [{ a: 1 }, 'b', undefined],
    [{ a: 1 }, 'a.b.c', undefined],
    [{ a: 'text' }, 'a.length', undefined],
    [{}, 'constructor', undefined],
    [{ list: [1] }, 'list.length', undefined],
  ])('%j at %s', (value, path, expected) => {
    expect(valueAt(value, path)?.value).toEqual(expected)
  })

  test('credentials are shown by name, not by ID', () => {
    const node = { id: 'n', name: 'Slack', type: 'n8n-nodes-base.slack', parameters: {} }
    const sides = threeWay(
      {
        name: null,
        added: [],
        removed: [],
        settings: [],
        cosmetic: [],
        changed: [{ node: 'Slack', paths: ['credentials.slackApi'] }],
        connections: { added: [], removed: [] },
      },
      {
        deployed: { nodes: [node] },
        n8n: { nodes: [{ ...node, credentials: { slackApi: { id: 'x1', name: 'By hand' } } }] },
        wanted: { nodes: [node] },
        forced: {},
        bindings: [
          { node: 'Slack', type: 'slackApi', name: 'Slack ops-bot' },
          { node: 'Another', type: 'slackApi', name: 'Slack of sales' },
        ],
      },
    )
    expect(sides.nodes[0]?.fields).toEqual([
      {
        path: 'credentials.slackApi',
        deployed: 'Slack ops-bot',
        n8n: 'By hand',
        wanted: 'Slack ops-bot',
        wantedIs: 'deployed',
      },
    ])
  })

  test('a node that was renamed in n8n is compared with itself', () => {
    const node = { id: 'n', name: 'Old', type: 't', parameters: { a: 1 } }
    const sides = threeWay(
      {
        name: null,
        added: [],
        removed: [],
        settings: [],
        cosmetic: [],
        changed: [{ node: 'New', paths: ['name', 'parameters.a'] }],
        connections: { added: [], removed: [] },
      },
      {
        deployed: { nodes: [node] },
        n8n: { nodes: [{ ...node, name: 'New', parameters: { a: 2 } }] },
        wanted: { nodes: [node] },
        forced: {},
        bindings: [],
      },
    )
    expect(sides.nodes[0]?.fields).toEqual([
      { path: 'name', deployed: 'Old', n8n: 'New', wanted: 'Old', wantedIs: 'deployed' },
      { path: 'parameters.a', deployed: '1', n8n: '2', wanted: '1', wantedIs: 'deployed' },
    ])
  })

  test('secrets are redacted on every side, in nodes and settings', () => {
    const planted = { old: 'sk-live-0123456789abcdefghij', new: 'sk-live-9876543210zyxwvutsrq' }
    const node = (secret: string, name = 'Call') => ({
      id: name,
      name,
      type: 'n8n-nodes-base.httpRequest',
      parameters: {
        headerParameters: {
          parameters: [
            { name: 'Authorization', value: `Bearer ${secret}` },
            { name: 'X-Api-Key', value: `plain ${secret.slice(8)}` },
          ],
        },
        jsCode: `const a = 1\nconst key = '${secret}'\n`,
        url: `https://api.test/?api_key=${secret.slice(8)}`,
      },
    })
    const workflow = (secret: string, other: string) => ({
      name: 'Orders',
      nodes: [node(secret), node(secret, other)],
      settings: { callerIds: `Bearer ${secret}` },
    })
    const sides = threeWay(
      {
        name: 'Orders',
        added: ['Added'],
        removed: ['Removed'],
        cosmetic: [],
        settings: ['callerIds'],
        changed: [
          {
            node: 'Call',
            paths: [
              'parameters.headerParameters.parameters.0.value',
              'parameters.headerParameters.parameters.1.value',
              'parameters.headerParameters',
              'parameters.jsCode',
              'parameters.url',
            ],
          },
        ],
        connections: { added: [], removed: [] },
      },
      {
        deployed: workflow(planted.old, 'Removed'),
        n8n: workflow(planted.new, 'Added'),
        wanted: workflow(planted.old, 'Removed'),
        forced: {},
        bindings: [],
      },
    )
    const text = JSON.stringify(sides)
    for (const secret of Object.values(planted)) expect(text).not.toContain(secret.slice(8))
    expect(sides.nodes.find(({ node }) => node === 'Call')?.fields[0]).toEqual({
      path: 'parameters.headerParameters.parameters.0.value',
      deployed: '[redacted]',
      n8n: '[redacted]',
      wanted: '[redacted]',
      wantedIs: 'deployed',
    })
    expect(text).toContain('Authorization')
  })
})
