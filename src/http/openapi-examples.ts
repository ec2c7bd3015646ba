/** @module Examples for the OpenAPI document, taken from schemas or derived from formats and property names. */
import type { OpenAPIV3_1 } from 'openapi-types'
import type { Schema } from './openapi.ts'

const uuid = '01934f8e-6b7c-7a10-9c3d-5e2f1a0b4c6d'
const time = '2026-11-29T09:30:00.000Z'
const hash = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'

/** Property name → typical value. A schema's own `examples` take precedence. */
const byName: Record<string, unknown> = {
  accessToken: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl',
  action: 'credential.created',
  apiKey: 'n8n_api_0123456789',
  author: 'user',
  baseUrl: 'https://n8n.example.com',
  contentHash: hash,
  credentialTypes: ['slackApi'],
  day: '2026-11-29',
  detail: 'The n8n server responded',
  displayName: 'Slack API',
  email: 'ada@example.com',
  errorClass: 'NodeApiError',
  errorFingerprint: '3f9a1c77b2d84e05',
  fields: ['accessToken'],
  fingerprint: '3f9a1c77b2d84e05',
  from: time,
  httpStatus: 429,
  instanceName: 'Production',
  kind: 'production',
  message: 'The service rejected the request',
  mode: 'webhook',
  model: 'gpt-5',
  n8nCredentialId: 'mE3vQ9sT1kXbW2aZ',
  n8nExecutionId: '4711',
  n8nVersion: '2.41.1',
  n8nWorkflowId: 'kR7yP2nV5cLdH8uJ',
  name: 'Notify Slack about new orders',
  nextCursor: 'AZNPjmt8ehCcPV4vGgtMbQ',
  node: 'Slack',
  nodes: ['Slack'],
  nodeType: 'n8n-nodes-base.slack',
  nodeTypes: ['n8n-nodes-base.slack', 'n8n-nodes-base.webhook'],
  password: 'plum lantern velvet orbit',
  planHash: hash,
  prompt: 'Post a message to Slack for every new order',
  refreshToken: 'rt_0123456789abcdef',
  requiredCredentialTypes: ['slackApi'],
  sentTo: 'slack.com',
  service: 'slack',
  tags: ['orders'],
  timeZone: 'Europe/Berlin',
  triggerTypes: ['n8n-nodes-base.webhook'],
  type: 'slackApi',
  validationError: null,
  version: 3,
  webhookPaths: ['orders'],
  webhookToken: 'whk_0123456789abcdef',
  webhookUrl: `https://flowkeep.example.com/hooks/n8n/${uuid}`,
  webhookUrls: ['https://n8n.example.com/webhook/orders'],
  workflowName: 'Notify Slack about new orders',
}

const maxDepth = 12

/** An example that matches the schema: its required properties, and properties with an example. */
export function exampleOf(schema: Schema, document: OpenAPIV3_1.Document, name = '', depth = 0): unknown {
  if (depth > maxDepth) return null
  if (schema.$ref) {
    const target = document.components?.schemas?.[schema.$ref.split('/').at(-1) ?? '']
    return exampleOf(target as Schema, document, name, depth + 1)
  }
  if (schema.examples?.length) return schema.examples[0]
  if (schema.const !== undefined) return schema.const
  if (schema.default !== undefined) return schema.default
  const known = Object.hasOwn(byName, name) ? byName[name] : undefined
  const choices: Schema[] | undefined = schema.anyOf ?? schema.oneOf
  if (schema.enum) return schema.enum.includes(known) ? known : schema.enum[0]
  if (known !== undefined && isHeld(known, schema, choices)) return known
  if (choices) {
    const choice = choices.find(({ type }) => type !== 'null') ?? choices[0]
    return exampleOf(choice ?? {}, document, name, depth + 1)
  }
  return valueOf(schema, document, name, depth)
}

function valueOf(schema: Schema, document: OpenAPIV3_1.Document, name: string, depth: number): unknown {
  const type = typesOf(schema).find((each) => each !== 'null')
  if (type === 'array') {
    const { items } = schema as { items?: Schema }
    return items ? [exampleOf(items, document, name.replace(/s$/, ''), depth + 1)] : []
  }
  if (type === 'object' || schema.properties) {
    const required = new Set(schema.required)
    const shown = Object.entries((schema.properties ?? {}) as Record<string, Schema>).filter(
      ([key, property]) => required.has(key) || property.examples?.length,
    )
    return Object.fromEntries(
      shown.map(([key, property]) => [key, exampleOf(property, document, key, depth + 1)]),
    )
  }
  if (type === 'integer' || type === 'number') return Math.max(schema.minimum ?? 0, 1)
  if (type === 'boolean') return true
  if (type === 'string') {
    if (schema.format === 'uuid') return uuid
    if (schema.format === 'date-time') return time
    return 'text'
  }
  return null
}

/** Whether the schema accepts the value's type. Rejects objects where the items are objects. */
function isHeld(value: unknown, schema: Schema, choices: Schema[] = []): boolean {
  const { items } = schema as { items?: Schema }
  if (Array.isArray(value) && items && (items.type !== 'string' || items.enum)) return false
  if (choices.some((choice) => choice.enum || choice.$ref)) return false
  return typesOf(schema, choices).includes(typeName(value))
}

const typeName = (value: unknown): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'array'
      : typeof value === 'number'
        ? 'integer'
        : typeof value

const typesOf = (schema: Schema, choices: Schema[] = []): string[] =>
  [schema, ...choices].flatMap(({ type }) => type ?? [])
