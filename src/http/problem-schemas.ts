/** @module One OpenAPI schema per error code, so that clients can discriminate problems by `code`. */
import type { ErrorCode } from '../errors.ts'
import type { Schema } from './openapi.ts'
import { errorCodes, statusOf, titleOf } from './problem.ts'
import { rateClasses } from './rate-classes.ts'

const text: Schema = { type: 'string' }
const id: Schema = { type: 'string', format: 'uuid' }
const nullable = (type: string, format?: string) =>
  ({ type: [type, 'null'], ...(format && { format }) }) as Schema
const listOf = (items: Schema): Schema => ({ type: 'array', items })

const fieldErrors = listOf({ $ref: '#/components/schemas/FieldError' })
const dependent: Schema = {
  type: 'object',
  description: 'Deployments have IDs; workflows that exist only in n8n have null IDs',
  required: ['deploymentId', 'workflowId', 'workflowName'],
  properties: {
    deploymentId: nullable('string', 'uuid'),
    workflowId: nullable('string', 'uuid'),
    workflowName: text,
    instanceId: id,
    status: text,
    n8nWorkflowId: text,
  },
}
const consent: Schema = {
  type: 'object',
  required: ['node', 'type'],
  properties: { node: text, type: text, consentUrl: { type: 'string', format: 'uri' } },
}

/** Additional members of specific codes. */
const members: Partial<Record<ErrorCode, { required?: string[]; properties: Record<string, Schema> }>> = {
  invalid: {
    properties: {
      errors: fieldErrors,
      problems: listOf({ $ref: '#/components/schemas/Finding' }),
      consents: {
        ...listOf(consent),
        description: 'Slots whose OAuth2 credential needs a sign-in, and where to sign in',
      },
    },
  },
  'invalid-workflow': {
    properties: { errors: fieldErrors, problems: listOf({ $ref: '#/components/schemas/Finding' }) },
  },
  'deployment-blocked': {
    required: ['problems', 'n8nVersion'],
    properties: {
      problems: {
        ...listOf({ $ref: '#/components/schemas/PlanProblem' }),
        description: 'The problems that block the deployment, with pointers into the workflow',
      },
      n8nVersion: { type: 'string', description: 'The n8n version that the check assumes' },
    },
  },
  'second-factor-required': {
    properties: {
      secondFactor: {
        type: 'object',
        description: 'After the correct password. Absent when a change to the account needs a second factor',
        required: ['token', 'expiresIn', 'methods', 'passkeyOptions'],
        properties: {
          token: { ...text, description: 'Send it to POST /v1/auth/second-factor' },
          expiresIn: { type: 'integer', description: 'Seconds until the token expires' },
          methods: {
            ...listOf(text),
            description: '`totp`, `passkey` and `recovery-code`; more may be added',
          },
          passkeyOptions: {
            ...nullable('object'),
            description: 'For `PublicKeyCredential.parseRequestOptionsFromJSON()`. Null without a passkey',
          },
        },
      },
      methods: { ...listOf(text), description: 'Second factors that the account has' },
    },
  },
  'insufficient-scope': {
    properties: {
      requiredScope: {
        ...text,
        description: 'The scope that the access token lacks. Absent if none suffices',
      },
    },
  },
  'approval-required': {
    required: ['approvalId', 'summary', 'approveUrl', 'expiresAt', 'requiredScopes'],
    properties: {
      approvalId: id,
      summary: { ...text, description: 'What approving allows, in one line' },
      approveUrl: {
        type: 'string',
        format: 'uri',
        description: 'Where a person approves or denies the request',
      },
      expiresAt: {
        type: 'string',
        format: 'date-time',
        description: 'When it can no longer be approved or, once approved, used',
      },
      requiredScopes: { ...listOf(text), description: 'The scopes that the approval grants once' },
    },
  },
  'approval-denied': {
    required: ['approvalId', 'expiresAt'],
    properties: {
      approvalId: id,
      expiresAt: { type: 'string', format: 'date-time', description: 'When the request can be made again' },
    },
  },
  'too-many-requests': {
    properties: {
      requestsPerMinute: {
        type: 'integer',
        description: 'The limit that was reached. Absent for limits other than requests per minute',
      },
      requestClass: {
        type: 'string',
        enum: Object.keys(rateClasses),
        description: 'The class of the limit. Absent if it is the limit of the access token',
      },
    },
  },
  'version-conflict': {
    properties: {
      currentVersion: {
        type: 'integer',
        description: 'The current version. Read it again before you change it',
      },
      applies: {
        type: 'boolean',
        description: 'Whether the edits apply to the current version: send them again with `rebase`',
      },
      reason: nullable('string'),
    },
  },
  'invalid-edit': {
    required: ['operation', 'errors'],
    properties: {
      operation: {
        type: 'object',
        description: 'The first operation that cannot be applied, and why. `code` is stable',
        required: ['index', 'code'],
        properties: { index: { type: 'integer' }, code: text },
      },
      errors: fieldErrors,
    },
  },
  'account-moved': {
    required: ['url'],
    properties: { url: { type: 'string', format: 'uri', description: 'The server that has the account' } },
  },
  'in-use': {
    required: ['dependents'],
    properties: { dependents: listOf(dependent) },
  },
  'instance-exists': { properties: { instanceId: id, instanceName: text } },
  'deployment-exists': {
    properties: { deploymentId: id, workflowId: id, deploymentIds: listOf(id) },
  },
  conflict: { properties: { deploymentId: id } },
}

/** `in-use` → `InUseProblem`. */
export const problemName = (code: ErrorCode): string =>
  `${code.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase())}Problem`

const base: Schema = {
  type: 'object',
  description: 'An RFC 9457 problem document. `code` is stable; codes may be added.',
  required: ['type', 'title', 'status', 'detail', 'instance', 'code', 'requestId'],
  properties: {
    type: text,
    title: text,
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What is wrong and how to fix it' },
    instance: { type: 'string', description: 'Path of the request' },
    code: { type: 'string', enum: errorCodes },
    requestId: { type: 'string', description: 'Quote it when you report a problem' },
    errors: fieldErrors,
  },
}

function schemaOf(code: ErrorCode): Schema {
  const own = members[code]
  return {
    allOf: [
      { $ref: '#/components/schemas/Problem' },
      {
        type: 'object',
        description: titleOf(code),
        required: ['code', 'status', ...(own?.required ?? [])],
        properties: {
          code: { type: 'string', const: code },
          status: { type: 'integer', const: statusOf(code) },
          ...own?.properties,
        },
      },
    ],
  }
}

export const problemSchemas = (): Record<string, Schema> => ({
  FieldError: {
    type: 'object',
    required: ['pointer', 'detail'],
    properties: {
      pointer: {
        type: 'string',
        description: 'JSON pointer into the body (RFC 6901), or the name of the parameter or header',
      },
      detail: text,
    },
  },
  Problem: base,
  ...Object.fromEntries(errorCodes.map((code) => [problemName(code), schemaOf(code)])),
})
