import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serviceOf } from '../../src/credentials/service-name.ts'
import { deployments } from '../../src/db/schema/deployments.ts'
import { executions } from '../../src/db/schema/executions.ts'
import { workflows } from '../../src/db/schema/workflows.ts'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import { extractMetadata } from '../../src/n8n/reading/metadata.ts'
import { type TestDatabase, createTestDatabase } from '../harness/database.ts'
import { type Fixture, fixture, newInstance } from './fixture.ts'

let database: TestDatabase
let f: Fixture

beforeAll(async () => {
  database = await createTestDatabase()
  f = fixture(database.db)
})
afterAll(() => database.close())

const at = (time: string) => new Date(`2026-03-01T${time}Z`)

const slackNode = (name: string, more: Record<string, unknown> = {}) => ({
  name,
  type: 'n8n-nodes-base.slack',
  typeVersion: 2.2,
  parameters: { authentication: 'accessToken', text: 'long '.repeat(1_000) },
  ...more,
})

async function newWorkflow(userId: string, name: string, nodes: unknown[]): Promise<string> {
  const id = uuidv7()
  const data = { nodes, connections: {} }
  const {
    warnings,
    requirements: _,
    unresolved: __,
    ...metadata
  } = extractMetadata(data, await loadCatalogue())
  await f.db
    .insert(workflows)
    .values({ id, userId, name, tags: [], ...metadata, warnings, data, contentHash: id })
  return id
}

async function newCredential(userId: string, type = 'slackApi'): Promise<string> {
  const data = type === 'slackApi' ? { accessToken: 'token' } : { any: 'thing' }
  const created = await f.credentials.create(userId, { type, name: uuidv7(), data, service: serviceOf(type) })
  return created?.id ?? ''
}

async function newDeployment(
  userId: string,
  workflowId: string,
  bound: [node: string, type: string, id: string][],
) {
  const id = uuidv7()
  const instanceId = await newInstance(f, userId)
  const bindings = bound.map(([node, type, credentialId]) => ({ node, type, credentialId }))
  await f.db
    .insert(deployments)
    .values({ id, userId, workflowId, instanceId, version: 1, status: 'active', bindings })
  return { id, workflowId, instanceId, status: 'active' }
}

async function newRun(
  userId: string,
  deployment: Awaited<ReturnType<typeof newDeployment>>,
  times: { startedAt?: Date; finishedAt?: Date },
) {
  const id = uuidv7()
  await f.db.insert(executions).values({
    id,
    recordedAt: new Date(),
    userId,
    instanceId: deployment.instanceId,
    workflowId: deployment.workflowId,
    workflowVersion: 1,
    deploymentId: deployment.id,
    n8nExecutionId: id,
    status: 'success',
    ...times,
  })
}

describe('the usage of a credential', () => {
  test('lists the workflows that require its type, newest first, with the nodes that need it', async () => {
    const userId = await f.newUser()
    const id = await newCredential(userId)
    const older = await newWorkflow(userId, 'older', [
      slackNode('Without one yet'),
      slackNode('With one', { credentials: { slackApi: { id: '1', name: 'x' } } }),
      slackNode('Off', { disabled: true }),
      slackNode('OAuth', { parameters: { authentication: 'oAuth2' } }),
    ])
    const newer = await newWorkflow(userId, 'newer', [slackNode('Only')])
    await newWorkflow(userId, 'unrelated', [{ name: 'Set', type: 'n8n-nodes-base.set', parameters: {} }])
    await newWorkflow(await f.newUser(), "another's", [slackNode('Foreign')])
    expect(await f.credentials.usage(userId, id)).toEqual({
      workflows: [
        { id: newer, name: 'newer', nodes: ['Only'] },
        { id: older, name: 'older', nodes: ['With one', 'Without one yet'] },
      ],
      deployments: [],
      lastUsedAt: null,
    })
  })

  test('reads malformed nodes like the extraction does', async () => {
    const userId = await f.newUser()
    const type = 'acmeApi'
    const id = await newCredential(userId, type)
    const credentials = { [type]: { id: '1', name: 'x' } }
    const nodes = [
      { type: 'acme.node', credentials },
      { name: 'No parameters', type: 'acme.node', credentials },
      { name: 'List of parameters', type: 'acme.node', parameters: [], credentials },
      { name: 'Null parameters', type: 'acme.node', parameters: null, credentials },
    ]
    await newWorkflow(userId, 'odd', nodes)
    const usage = await f.credentials.usage(userId, id)
    expect(usage?.workflows.map((workflow) => workflow.nodes)).toEqual([
      ['#0', 'List of parameters', 'No parameters', 'Null parameters'],
    ])
  })

  test('lists the deployments and nodes bound to it, but not those bound to another of the type', async () => {
    const userId = await f.newUser()
    const [id, other] = [await newCredential(userId), await newCredential(userId)]
    const workflowId = await newWorkflow(userId, 'deployed', [slackNode('Slack')])
    const first = await newDeployment(userId, workflowId, [['Slack', 'slackApi', id]])
    const second = await newDeployment(userId, workflowId, [
      ['Acme', 'acmeApi', uuidv7()],
      ['Slack', 'slackApi', id],
      ['Slack of another team', 'slackApi', other],
      ['Alarm', 'slackApi', id],
    ])
    await newDeployment(userId, workflowId, [['Slack', 'slackApi', other]])
    expect((await f.credentials.usage(userId, id))?.deployments).toEqual([
      { ...second, nodes: ['Slack', 'Alarm'] },
      { ...first, nodes: ['Slack'] },
    ])
  })

  test('returns the end of the newest run of those deployments, or its start if it is open', async () => {
    const userId = await f.newUser()
    const [id, other] = [await newCredential(userId), await newCredential(userId)]
    const workflowId = await newWorkflow(userId, 'run', [slackNode('Slack')])
    const bound = await newDeployment(userId, workflowId, [['Slack', 'slackApi', id]])
    const foreign = await newDeployment(userId, workflowId, [['Slack', 'slackApi', other]])
    await newRun(userId, bound, { startedAt: at('08:00:00'), finishedAt: at('08:00:01.250') })
    expect((await f.credentials.usage(userId, id))?.lastUsedAt).toBe('2026-03-01T08:00:01.250Z')
    await newRun(userId, bound, { startedAt: at('09:00:00') })
    await newRun(userId, bound, {})
    await newRun(userId, foreign, { startedAt: at('10:00:00') })
    expect((await f.credentials.usage(userId, id))?.lastUsedAt).toBe('2026-03-01T09:00:00.000Z')
  })

  test('is null for a missing credential and for another user’s', async () => {
    const id = await newCredential(await f.newUser())
    const userId = await f.newUser()
    expect(await f.credentials.usage(userId, id)).toBeNull()
    expect(await f.credentials.usage(userId, uuidv7())).toBeNull()
  })
})
