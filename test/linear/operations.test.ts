/** Every operation of the OpenAPI document with hostile parameters and bodies, so that new operations are included. */
import { afterAll, expect, test } from 'vitest'
import { exampleOf } from '../../src/http/openapi-examples.ts'
import { collectionFor } from '../fuzz/values.ts'
import { spansOf, tracesJson } from '../harness/otlp.ts'
import {
  bodiesOf,
  hostileIds,
  type Operation,
  operationsIn,
  queriesOf,
  range,
  wholeBodies,
  withIds,
} from './hostile.ts'
import { type Account, compare, createAccounts, createMeasuredApp, type Sent } from './requests.ts'

const size = 200
const app = await createMeasuredApp()
afterAll(() => app.close())
const { json: document } = await app.call('GET', '/openapi.json')
const { operations, resolve } = operationsIn(document)
const accounts = await createAccounts(app, size)

/** Bodies that no schema suggests, because they depend on what is stored. */
const special: Record<string, (account: Account) => unknown[]> = {
  'POST /v1/workflows/{id}/edits': ({ nodes }) =>
    [
      nodes.map((node) => ({ op: 'setNodeProperty', node, property: 'notes', value: 'x' })),
      nodes.map((node) => ({ op: 'setParameter', node, pointer: '/a', value: 1 })),
      nodes.map((node, at) => ({ op: 'renameNode', node, name: `Renamed ${at}` })),
      nodes.map((node) => ({ op: 'removeNode', node })),
      nodes.map((node) => ({ op: 'removeNode', node, reconnect: true })),
    ].map((operations) => ({ operations: operations.slice(0, 200), dryRun: true })),
  'POST /v1/auth/register': ({ scale }) => [
    {
      email: `${crypto.randomUUID()}@example.com`,
      password: 'plum lantern velvet orbit',
      name: 'x'.repeat(scale.size / 4),
    },
  ],
  'POST /v1/releases': ({ ids }) => [
    { workflows: [{ workflowId: ids['workflows'] }], instanceIds: [ids['instances']], dryRun: true },
  ],
  'POST /v1/workflows/{id}/test': ({ ids, scale }) => [
    { instanceId: ids['instances'] },
    { instanceId: ids['instances'], input: { items: range(scale.size, (at) => ({ at })) } },
  ],
  'POST /v1/deployments': ({ ids }) => [
    { workflowId: ids['spare workflow'], instanceId: ids['instances'], force: 'Measured' },
  ],
  'POST /v1/credentials/{id}/replace': ({ ids }) => [{ with: ids['spare credential'], dryRun: true }],
  'POST /hooks/n8n/{instanceId}': ({ nodes, n8nWorkflowId: workflowId, scale }) => [
    { executionId: 'data', workflowId, status: 'error', data: dataOf(nodes) },
    ...['same', 'distinct'].map((kind) =>
      range(scale.size / 2, (at) => ({
        executionId: kind === 'same' ? kind : `${kind}-${at}`,
        workflowId,
        status: 'success',
      })),
    ),
  ],
  'POST /hooks/n8n/{instanceId}/otlp/v1/traces': ({ nodes, n8nWorkflowId: workflowId }) => [
    tracesJson(
      spansOf({
        executionId: 'trace',
        workflowId,
        startMs: Date.now(),
        nodes: nodes.map((name) => ({ name })),
      }),
    ),
  ],
}
/** Run data with every node. */
const dataOf = (nodes: readonly string[]) => ({
  resultData: {
    runData: Object.fromEntries(
      nodes.map((name) => [name, range(2, () => ({ source: [], data: { main: [[{ json: { name } }]] } }))]),
    ),
  },
})

const known: Record<string, string> = {
  version: '1',
  type: 'n8n-nodes-base.slack',
  from: '1',
  to: '2',
}

/** The path with the IDs of what the account has. */
function pathOf({ method, path }: Operation, { ids }: Account): string {
  // What later operations deploy and test stays.
  const isEdit = method !== 'GET' && /^\/v1\/workflows\/\{id\}(?:$|\/(?:versions|edits|fix))/.test(path)
  const collection =
    path.endsWith('}/test') && path.startsWith('/v1/workflows')
      ? 'tested workflow'
      : isEdit
        ? path.endsWith('edits')
          ? 'spare workflow'
          : 'edited workflow'
        : (path.slice('/v1/'.length).split('/{')[0] ?? '')
  return path
    .replace('credential-types/{type}', 'credential-types/slackApi')
    .replaceAll(/\{(\w+)\}/g, (_, name: string) =>
      name === 'n8nWorkflowId'
        ? (ids['importable'] ?? '')
        : (ids[name === 'id' || name === 'fingerprint' ? collection : collectionFor(name)] ??
          known[name] ??
          '01890000-0000-7000-8000-000000000000'),
    )
}

function requestsOf(operation: Operation, account: Account): Sent[] {
  const { method, path, parameters, body } = operation
  const { scale, ids } = account
  const own = pathOf(operation, account)
  const inQuery = parameters.filter((each) => each.in === 'query')
  const names = inQuery.map(({ name }) => name)
  const required = new URLSearchParams(
    inQuery
      .filter((each) => each.required)
      .map(({ name, schema }) => [
        name,
        known[name] ?? String(withIds(exampleOf(schema, document, name), ids, name)),
      ]),
  ).toString()
  const headers = parameters.filter((each) => each.in === 'header').map(({ name }) => name)
  const example = body && withIds(body.example, ids)
  const ofPath = (url: string, content: unknown = example): Sent => ({ method, path: url, body: content })
  return [
    ...parameters.flatMap(({ in: place, name }) =>
      place === 'path'
        ? hostileIds(scale).map((id) =>
            ofPath(path.replace(`{${name}}`, id).replaceAll(/\{\w+\}/g, ids['workflows'] ?? '')),
          )
        : [],
    ),
    ...headers.map((name) => ({
      ...ofPath(`${own}?${required}`),
      headers: { [name]: range(scale.size, (at) => `"${at}"`).join(', ') },
    })),
    ...queriesOf(names, scale).map((query) => ofPath(`${own}?${required}&${query}`)),
    ...(body
      ? [
          ...wholeBodies(scale),
          ...bodiesOf(document, resolve, { schema: body.schema, example }, scale).map((each) =>
            withIds(each, ids),
          ),
          ...(special[`${method} ${path}`]?.(account) ?? []),
        ].map((each) => ofPath(own, each))
      : []),
    ofPath(`${own}?${required}`),
  ]
}

/** Deletions and the end of sessions come last. */
const rank = ({ method, path }: Operation): number =>
  /logout-all|\/me\/delete|end-others/.test(path) ? 3 : method === 'DELETE' ? 2 : method === 'GET' ? 0 : 1

const ordered = operations
  .toSorted((a, b) => rank(a) - rank(b))
  .map((operation) => [`${operation.method} ${operation.path}`, operation] as const)

/** May refuse all of the input: they need a token of an email, a passkey, the password, or a state that requests before it changed. */
const refused =
  /^POST \/v1\/(?:credentials\/\{id\}\/test|deployments\/\{id\}\/(?:activate|deactivate|deploy|rollback|undeploy)|releases(?:\/\{id\}\/\w+)?|promotions|alerts\/deliveries\/.+|workflows\/\{id\}\/test|auth\/(?:register|refresh|reset-password|confirm-email|undo-email-change|second-factor|passkey)|me\/password|me\/delete|me\/factors\/.+)$|^PATCH \/v1\/deployments\/\{id\}$|^DELETE \/v1\/(?:me\/sessions|instances)\//

test.each(ordered)('%s', async (name, operation) => {
  const { faults, failures, statuses } = await compare(accounts, (account) => requestsOf(operation, account))
  expect({ faults, failures }).toEqual({ faults: [], failures: [] })
  if (!refused.test(name)) expect(Math.min(...statuses), [...statuses].join(' ')).toBeLessThan(400)
})
