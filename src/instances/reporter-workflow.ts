/** @module The error reporter: an n8n error workflow that posts failed runs to this server. Pure. */
import { sha256Hex } from '../lib/encoding.ts'
import type { N8nWorkflow } from '../n8n/api/shapes.ts'
import type { N8nNodeBody, N8nWorkflowBody } from '../n8n/sendable/workflow.ts'
import { canonicalJson } from '../lib/canonical-json.ts'

export const reporterName = 'Flowkeep: report errors'
export const reporterCredentialName = 'Flowkeep: reports'

/** The parts of an error that the receiver reads. A node's parameters and stack can contain secrets and stay in n8n. */
const errorOf = (owner: string) => `${owner}.error && {
      name: ${owner}.error.name,
      message: ${owner}.error.message,
      description: ${owner}.error.description,
      timestamp: ${owner}.error.timestamp,
      node: ${owner}.error.node && { name: ${owner}.error.node.name },
    }`

const report = `={{ JSON.stringify({
  execution: $json.execution && {
    id: $json.execution.id,
    mode: $json.execution.mode,
    retryOf: $json.execution.retryOf,
    lastNodeExecuted: $json.execution.lastNodeExecuted,
    error: ${errorOf('$json.execution')},
  },
  trigger: $json.trigger && {
    mode: $json.trigger.mode,
    error: ${errorOf('$json.trigger')},
  },
  workflow: $json.workflow && { id: $json.workflow.id, name: $json.workflow.name },
}) }}`

/** The ID of the reporter's trigger, unique to the instance so that two installations can share one n8n. */
const triggerId = (instanceId: string) => `flowkeep-reporter-${instanceId}`

export interface Receiver {
  /** The credential's ID in n8n. */
  credentialId: string
  /** The URL that the node posts to. */
  webhookUrl: string
}

/** A node that posts JSON here and authenticates with the credential. It never fails its run. */
export function postNode(
  { credentialId, webhookUrl }: Receiver,
  node: { id: string; name: string; position: [number, number]; jsonBody: string },
): N8nNodeBody {
  const { jsonBody, ...rest } = node
  return {
    ...rest,
    type: 'n8n-nodes-base.httpRequest',
    typeVersion: 4.2,
    onError: 'continueRegularOutput',
    parameters: {
      method: 'POST',
      url: webhookUrl,
      authentication: 'genericCredentialType',
      genericAuthType: 'httpHeaderAuth',
      sendBody: true,
      specifyBody: 'json',
      jsonBody,
      options: { timeout: 5000, redirect: { redirect: { followRedirects: false } } },
    },
    credentials: { httpHeaderAuth: { id: credentialId, name: reporterCredentialName } },
  }
}

export function reporterWorkflow(instanceId: string, receiver: Receiver): N8nWorkflowBody {
  const post = postNode(receiver, {
    id: `flowkeep-post-${instanceId}`,
    name: 'Report to Flowkeep',
    position: [220, 0],
    jsonBody: report,
  })
  return {
    name: reporterName,
    nodes: [
      {
        id: triggerId(instanceId),
        name: 'Error Trigger',
        type: 'n8n-nodes-base.errorTrigger',
        typeVersion: 1,
        position: [0, 0],
        parameters: {},
      },
      // n8n allows at most 5 tries, 5 s apart.
      { ...post, retryOnFail: true, maxTries: 5, waitBetweenTries: 5000 },
    ],
    connections: { 'Error Trigger': { main: [[{ node: post.name, type: 'main', index: 0 }]] } },
    settings: { executionOrder: 'v1', saveDataSuccessExecution: 'none', saveDataErrorExecution: 'all' },
  }
}

/** Whether a workflow is this instance's reporter, even if a user changed it. */
export const isReporterOf = (instanceId: string, { nodes, isArchived }: N8nWorkflow): boolean =>
  !isArchived && nodes.some((node) => node['id'] === triggerId(instanceId))

/** Whether the workflow runs like `wanted`. Ignores the position and color of nodes. */
export function isAsWanted(workflow: N8nWorkflow, wanted: N8nWorkflowBody): boolean {
  return essence(workflow) === essence(wanted)
}

/** Whether the draft is published. */
export const isPublished = ({ active, versionId, activeVersionId }: N8nWorkflow): boolean =>
  active && (activeVersionId === null || activeVersionId === versionId)

function essence({ nodes, connections }: Pick<N8nWorkflow, 'nodes' | 'connections'>): string {
  const kept = nodes.map(
    ({ id, name, type, typeVersion, parameters, credentials, onError, retryOnFail, disabled }) => ({
      id,
      name,
      type,
      typeVersion,
      parameters,
      credentials,
      onError,
      retryOnFail,
      disabled: disabled === true,
    }),
  )
  return canonicalJson(JSON.parse(JSON.stringify({ nodes: kept, connections })))
}

/** At most 16 characters (n8n's limit). Derived from the instance, so that a retry finds an earlier credential. */
export async function reporterCredentialId(instanceId: string): Promise<string> {
  return `fk${await sha256Hex(`reporter\0${instanceId}`, 7)}`
}
