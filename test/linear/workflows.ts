/** @module Workflows that make code slow if it is not linear: `n` scales the part that matters. */

export type Json = Record<string, unknown>
const range = <T>(n: number, f: (i: number) => T) => Array.from({ length: n }, (_, i) => f(i))
const set = 'n8n-nodes-base.set',
  code = 'n8n-nodes-base.code',
  http = 'n8n-nodes-base.httpRequest',
  note = 'n8n-nodes-base.stickyNote',
  hook = 'n8n-nodes-base.webhook',
  merge = 'n8n-nodes-base.merge',
  agent = '@n8n/n8n-nodes-langchain.agent',
  tool = '@n8n/n8n-nodes-langchain.toolCode',
  iff = 'n8n-nodes-base.if',
  exec = 'n8n-nodes-base.executeWorkflow'
const node = (i: number, more: Json = {}) => ({
  id: `id${i}`,
  name: `N${i}`,
  type: set,
  typeVersion: 3.4,
  position: [i * 10, 0],
  parameters: {},
  ...more,
})
const to = (i: number, type = 'main', index = 0) => ({ node: `N${i}`, type, index })
const trig = node(0, { type: 'n8n-nodes-base.manualTrigger', typeVersion: 1 })
export const workflowKinds: Record<string, (n: number) => Json> = {
  chain: (n) => ({
    nodes: [trig, ...range(n, (i) => node(i + 1))],
    connections: Object.fromEntries(range(n, (i) => [`N${i}`, { main: [[to(i + 1)]] }])),
  }),
  loop: (n) => ({
    nodes: [trig, ...range(n, (i) => node(i + 1))],
    connections: Object.fromEntries(range(n + 1, (i) => [`N${i}`, { main: [[to(i === n ? 1 : i + 1)]] }])),
  }),
  fanOut: (n) => ({
    nodes: [trig, ...range(n, (i) => node(i + 1))],
    connections: { N0: { main: [range(n, (i) => to(i + 1))] } },
  }),
  fanIn: (n) => ({
    nodes: [trig, ...range(n, (i) => node(i + 1))],
    connections: Object.fromEntries(range(n, (i) => [`N${i}`, { main: [[to(n)]] }])),
  }),
  diamond: (n) => ({
    nodes: [trig, ...range(n, (i) => node(i + 1))],
    connections: {
      N0: { main: [range(n - 1, (i) => to(i + 1))] },
      ...Object.fromEntries(range(n - 1, (i) => [`N${i + 1}`, { main: [[to(n)]] }])),
    },
  }),
  ladder: (n) => ({
    nodes: [trig, ...range(n, (i) => node(i + 1, { type: iff, typeVersion: 2 }))],
    connections: Object.fromEntries(range(n - 2, (i) => [`N${i}`, { main: [[to(i + 1)], [to(i + 2)]] }])),
  }),
  layers4: (n) => {
    const w = Math.round(Math.sqrt(n))
    return {
      nodes: [trig, ...range(w * 4, (i) => node(i + 1))],
      connections: Object.fromEntries(
        range(w * 3, (i) => [
          `N${i + 1}`,
          { main: [range(w, (j) => to(Math.floor(i / w + 1) * w + j + 1))] },
        ]),
      ),
    }
  },
  references: (n) => ({
    nodes: [
      trig,
      ...range(n, (i) =>
        node(i + 1, {
          parameters: {
            assignments: {
              assignments: [
                {
                  id: 'a',
                  name: 'x',
                  value: `={{ $('N${(i * 7) % n}').item.json.a + $('N${i}').first().json.b }}`,
                  type: 'string',
                },
              ],
            },
          },
        }),
      ),
    ],
    connections: Object.fromEntries(range(n, (i) => [`N${i}`, { main: [[to(i + 1)]] }])),
  }),
  refUnknown: (n) => ({
    nodes: [
      trig,
      ...range(n, (i) =>
        node(i + 1, {
          name: `Node number ${i}`,
          parameters: { value: `={{ $('Nod numbr ${i}').item.json.a }}` },
        }),
      ),
    ],
    connections: {},
  }),
  jsonFields: (n) => ({
    nodes: [
      trig,
      ...range(n, (i) =>
        node(i + 1, {
          parameters: {
            assignments: {
              assignments: [
                { id: 'a', name: `f${i}`, value: `={{ $json.f${i - 1} + $json.zz }}`, type: 'string' },
              ],
            },
            includeOtherFields: true,
            options: {},
          },
        }),
      ),
    ],
    connections: Object.fromEntries(range(n, (i) => [`N${i}`, { main: [[to(i + 1)]] }])),
  }),
  jsonFieldsFan: (n) => ({
    nodes: [
      trig,
      ...range(n, (i) =>
        node(i + 1, {
          parameters: {
            assignments: {
              assignments: [{ id: 'a', name: `f${i}`, value: `={{ $json.f${i - 1} }}`, type: 'string' }],
            },
            options: {},
          },
        }),
      ),
      node(n + 1, { parameters: { v: range(n, (i) => `={{ $json.q${i} }}`) } }),
    ],
    connections: {
      N0: { main: [range(n, (i) => to(i + 1))] },
      ...Object.fromEntries(range(n, (i) => [`N${i + 1}`, { main: [[to(n + 1)]] }])),
    },
  }),
  oneName: (n) => ({
    nodes: range(n, (i) => node(i, { name: 'N0', parameters: { v: i } })),
    connections: { N0: { main: [[to(0)]] } },
  }),
  oneId: (n) => ({ nodes: range(n, (i) => node(i, { id: 'x', parameters: { v: i } })), connections: {} }),
  bare: (n) => ({ nodes: range(n, () => ({})), connections: {} }),
  notes: (n) => ({
    nodes: range(n, (i) =>
      node(i, {
        type: note,
        typeVersion: 1,
        parameters: { content: `# note ${i}`, width: 200, height: 200 },
      }),
    ),
    connections: {},
  }),
  notesOver: (n) => ({
    nodes: [
      ...range(n / 2, (i) =>
        node(i, {
          type: note,
          typeVersion: 1,
          position: [0, 0],
          parameters: { content: `x`, width: 20000, height: 20000 },
        }),
      ),
      ...range(n / 2, (i) => node(n + i, { position: [i, i] })),
    ],
    connections: {},
  }),
  samePlace: (n) => ({ nodes: range(n, (i) => node(i, { position: [0, 0] })), connections: {} }),
  column: (n) => ({ nodes: range(n, (i) => node(i, { position: [0, i * 50] })), connections: {} }),
  noPlace: (n) => ({
    nodes: range(n, (i) => {
      const { position: _, ...rest } = node(i)
      return rest
    }),
    connections: Object.fromEntries(range(n - 1, (i) => [`N${i}`, { main: [[to(i + 1)]] }])),
  }),
  longNames: (n) => ({
    nodes: range(n, (i) => node(i, { name: `${'long name '.repeat(20)}${i}` })),
    connections: {},
  }),
  slots: (n) => ({
    nodes: [
      node(0, {
        type: http,
        typeVersion: 4.2,
        credentials: Object.fromEntries(range(n, (i) => [`type${i}`, { id: `${i}`, name: 'c' }])),
      }),
    ],
    connections: {},
  }),
  credNodes: (n) => ({
    nodes: range(n, (i) =>
      node(i, {
        type: 'n8n-nodes-base.slack',
        typeVersion: 2.3,
        credentials: { slackApi: { id: '1', name: 'same' } },
        parameters: { resource: 'message', operation: 'post', text: 'x' },
      }),
    ),
    connections: {},
  }),
  pinData: (n) => ({
    nodes: [trig, node(1)],
    connections: {},
    pinData: Object.fromEntries(range(n, (i) => [`N${i % 2}${i}`, [{ json: { a: i } }]])),
  }),
  wide: (n) => ({
    nodes: [node(0, { parameters: Object.fromEntries(range(n * 10, (i) => [`k${i}`, i])) })],
    connections: {},
  }),
  wideAssign: (n) => ({
    nodes: [
      trig,
      node(1, {
        parameters: {
          assignments: {
            assignments: range(n * 2, (i) => ({
              id: 'same',
              name: 'same',
              value: `={{ $json.a${i} }}`,
              type: 'string',
            })),
          },
          options: {},
        },
      }),
    ],
    connections: { N0: { main: [[to(1)]] } },
  }),
  conditions: (n) => ({
    nodes: [
      trig,
      node(1, {
        type: iff,
        typeVersion: 2.2,
        parameters: {
          conditions: {
            options: {},
            combinator: 'and',
            conditions: range(n * 2, (i) => ({
              id: `${i}`,
              leftValue: `={{ $json.a${i} }}`,
              rightValue: 'x',
              operator: { type: 'string', operation: 'equals' },
            })),
          },
        },
      }),
    ],
    connections: { N0: { main: [[to(1)]] } },
  }),
  switchRules: (n) => ({
    nodes: [
      trig,
      node(1, {
        type: 'n8n-nodes-base.switch',
        typeVersion: 3.2,
        parameters: {
          rules: {
            values: range(n, (i) => ({
              conditions: {
                options: {},
                combinator: 'and',
                conditions: [
                  {
                    leftValue: '={{ $json.a }}',
                    rightValue: `${i}`,
                    operator: { type: 'string', operation: 'equals' },
                  },
                ],
              },
              renameOutput: true,
              outputKey: `o${i}`,
            })),
          },
        },
      }),
      ...range(n, (i) => node(i + 2)),
    ],
    connections: { N0: { main: [[to(1)]] }, N1: { main: range(n, (i) => [to(i + 2)]) } },
  }),
  deep: (n) => ({
    nodes: range(n / 20, (i) =>
      node(i, { parameters: JSON.parse('{"a":'.repeat(90) + '1' + '}'.repeat(90)) }),
    ),
    connections: {},
  }),
  longExpr: (n) => ({
    nodes: [trig, node(1, { parameters: { v: `={{ ${'$json.a + '.repeat(n * 5)} 1 }}` } })],
    connections: { N0: { main: [[to(1)]] } },
  }),
  longExprs: (n) => ({
    nodes: [trig, node(1, { parameters: { v: `=${'{{ $json.a }} '.repeat(n * 5)}` } })],
    connections: { N0: { main: [[to(1)]] } },
  }),
  openExprs: (n) => ({
    nodes: [trig, node(1, { parameters: { v: `=${'{{ '.repeat(n * 20)}` } })],
    connections: {},
  }),
  brokenExpr: (n) => ({
    nodes: [trig, node(1, { parameters: { v: `={{ ${'('.repeat(n)} }}` } })],
    connections: {},
  }),
  nestedTemplate: (n) => ({
    nodes: [
      trig,
      node(1, { parameters: { v: `={{ ${'`${'.repeat(Math.min(n, 400))} ${'a'.repeat(n * 10)} }}` } }),
    ],
    connections: {},
  }),
  vars: (n) => ({
    nodes: [
      trig,
      ...range(n / 10, (i) =>
        node(i + 1, { parameters: { v: range(10, (j) => `={{ $vars.V${(i * 10 + j) % n} }}`) } }),
      ),
    ],
    connections: {},
  }),
  varsOne: (n) => ({
    nodes: [
      trig,
      node(1, { parameters: { v: `=${range(n * 2, (i) => `{{ $vars.V${i % n} }}`).join('')}` } }),
    ],
    connections: {},
  }),
  codeText: (n) => ({
    nodes: [
      trig,
      node(1, {
        type: code,
        typeVersion: 2,
        parameters: { jsCode: range(n, (i) => `const a${i} = $('N${i}').first().json.x;`).join('\n') },
      }),
    ],
    connections: { N0: { main: [[to(1)]] } },
  }),
  codeNest: (n) => ({
    nodes: [
      trig,
      node(1, {
        type: code,
        typeVersion: 2,
        parameters: { jsCode: `return ${'['.repeat(Math.min(n, 3000))}${']'.repeat(Math.min(n, 3000))}` },
      }),
    ],
    connections: { N0: { main: [[to(1)]] } },
  }),
  codeIdents: (n) => ({
    nodes: [
      trig,
      node(1, {
        type: code,
        typeVersion: 2,
        parameters: {
          jsCode: range(
            n * 5,
            (i) => `let v${i} = items.map(x => x.json.f${i} + v${Math.max(0, i - 1)});`,
          ).join(''),
        },
      }),
    ],
    connections: { N0: { main: [[to(1)]] } },
  }),
  hooks: (n) => ({
    nodes: range(n, (i) =>
      node(i, {
        type: hook,
        typeVersion: 2,
        webhookId: 'same',
        parameters: { path: 'same', httpMethod: 'POST' },
      }),
    ),
    connections: {},
  }),
  hooksDistinct: (n) => ({
    nodes: range(n, (i) =>
      node(i, {
        type: hook,
        typeVersion: 2,
        webhookId: `w${i}`,
        parameters: { path: `p${i}/:id`, httpMethod: 'GET' },
      }),
    ),
    connections: {},
  }),
  subs: (n) => ({
    nodes: [
      trig,
      ...range(n, (i) =>
        node(i + 1, {
          type: exec,
          typeVersion: 1.2,
          parameters: {
            workflowId: { __rl: true, mode: 'id', value: `w${i}` },
            workflowInputs: { mappingMode: 'defineBelow', value: { a: 1 } },
          },
        }),
      ),
    ],
    connections: {},
  }),
  tools: (n) => ({
    nodes: [
      trig,
      node(1, { type: agent, typeVersion: 2 }),
      ...range(n, (i) =>
        node(i + 2, {
          type: tool,
          typeVersion: 1.3,
          parameters: { name: 'same', jsCode: `return $fromAI('key${i}')` },
        }),
      ),
    ],
    connections: {
      N0: { main: [[to(1)]] },
      ...Object.fromEntries(range(n, (i) => [`N${i + 2}`, { ai_tool: [[to(1, 'ai_tool')]] }])),
    },
  }),
  fromAi: (n) => ({
    nodes: [
      trig,
      node(1, {
        type: 'n8n-nodes-base.httpRequestTool',
        typeVersion: 4.2,
        parameters: { url: `=${range(n, (i) => `{{ $fromAI('k${i}', 'd', 'string') }}`).join('')}` },
      }),
    ],
    connections: {},
  }),
  merges: (n) => ({
    nodes: [
      trig,
      node(1, { type: merge, typeVersion: 3, parameters: { numberInputs: n } }),
      ...range(n, (i) => node(i + 2)),
    ],
    connections: {
      N0: { main: [range(n, (i) => to(i + 2))] },
      ...Object.fromEntries(range(n, (i) => [`N${i + 2}`, { main: [[to(1, 'main', i)]] }])),
    },
  }),
  emptyOutputs: (n) => ({ nodes: [trig, node(1)], connections: { N0: { main: range(n * 10, () => []) } } }),
  sparseOutput: (n) => ({
    nodes: [trig, node(1)],
    connections: { N0: { main: [...range(n * 4, () => [to(1)])] } },
  }),
  badTargets: (n) => ({
    nodes: [trig, node(1)],
    connections: { N0: { main: [range(n * 2, (i) => to(i + 10))] } },
  }),
  badSources: (n) => ({
    nodes: [trig, node(1)],
    connections: Object.fromEntries(range(n, (i) => [`Nx${i}`, { main: [[to(1)]] }])),
  }),
  dupConnections: (n) => ({
    nodes: [trig, node(1)],
    connections: { N0: { main: [range(n * 3, () => to(1))] } },
  }),
  manyTypes: (n) => ({
    nodes: [trig, node(1)],
    connections: { N0: Object.fromEntries(range(n, (i) => [`t${i}`, [[to(1, `t${i}`)]]])) },
  }),
  unicode: (n) => ({
    nodes: range(n / 10, (i) =>
      node(i, {
        name: `${'Ünïcödé 漢字 '.repeat(5)}${i}`,
        notes: 'é'.repeat(200),
        parameters: { v: 'ｗｏｒｄ '.repeat(30) },
      }),
    ),
    connections: {},
  }),
  secrets: (n) => ({
    nodes: range(n / 10, (i) =>
      node(i, {
        type: http,
        typeVersion: 4.2,
        parameters: {
          url: `https://u:p${i}@x.example/?token=abc${i}`,
          headerParameters: {
            parameters: range(5, (j) => ({
              name: 'Authorization',
              value: `Bearer sk-${i}${j}abcdefghijklmnop`,
            })),
          },
        },
      }),
    ),
    connections: {},
  }),
  longText: (n) => ({ nodes: [node(0, { parameters: { v: 'word '.repeat(n * 20) } })], connections: {} }),
  longLines: (n) => ({ nodes: [node(0, { parameters: { v: 'line\n'.repeat(n * 10) } })], connections: {} }),
  jsonParam: (n) => ({
    nodes: [
      trig,
      node(1, {
        parameters: {
          mode: 'raw',
          jsonOutput: `={ ${range(n * 2, (i) => `"k${i}": "{{ $json.a${i} }}"`).join(',')} }`,
          options: {},
        },
      }),
    ],
    connections: { N0: { main: [[to(1)]] } },
  }),
  placeholders: (n) => ({
    nodes: range(n, (i) =>
      node(i, { type: http, typeVersion: 4.2, parameters: { url: `https://YOUR_DOMAIN_${i}/<your-id>` } }),
    ),
    connections: {},
  }),
  settings: (n) => ({
    nodes: [trig],
    connections: {},
    settings: Object.fromEntries(range(n * 5, (i) => [`s${i}`, i])),
  }),
  rootKeys: (n) => ({
    nodes: [trig],
    connections: {},
    ...Object.fromEntries(range(n * 5, (i) => [`r${i}`, { a: i }])),
  }),
  pins: (n) => ({
    nodes: range(n, (i) => node(i)),
    connections: {},
    pinData: Object.fromEntries(range(n, (i) => [`N${i}`, range(3, () => ({ json: { a: 1 } }))])),
  }),
}

export const nodesOf = ({ nodes }: Json) => nodes as Json[]
/** Every node differs, and every connection is gone. */
export const changed = (workflow: Json): Json => ({
  ...workflow,
  nodes: nodesOf(workflow).map((each, index) => ({ ...each, notes: `changed ${index}` })),
  connections: {},
})
export const renamed = (workflow: Json): Json => ({
  ...workflow,
  nodes: nodesOf(workflow).map((each) => ({ ...each, name: `${String(each['name'])}!` })),
})
