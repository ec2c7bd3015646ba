/** @module What each entry of the audit trail says in words, who did it, and how much it matters. */
import type { AuditEvent } from '../../users/audit-events.ts'
import type { Tone } from '../components/status.tsx'

export const entities = ['user', 'session', 'credential', 'workflow', 'instance', 'deployment'] as const
export type Entity = (typeof entities)[number]

export const entityWords: Record<Entity, { one: string; many: string }> = {
  user: { one: 'account', many: 'Account' },
  session: { one: 'session', many: 'Sessions' },
  credential: { one: 'credential', many: 'Credentials' },
  workflow: { one: 'workflow', many: 'Workflows' },
  instance: { one: 'instance', many: 'Instances' },
  deployment: { one: 'deployment', many: 'Deployments' },
}

/** `somebody`: whoever knew the address or held a token; that it was the owner is not known. */
export type Actor = 'owner' | 'flowkeep' | 'operator' | 'somebody'

interface Wording {
  /** What was done, as one would write it in a diary. */
  what: string | ((details: Record<string, unknown>) => string)
  actor?: Actor
  tone?: Tone
}

const wordings: Record<string, Wording> = {
  'user.registered': { what: 'Created the account' },
  'user.updated': { what: ({ fields }) => `Changed the account${listed(fields)}` },
  'user.password-changed': { what: 'Changed the password' },
  'user.password-reset': {
    what: 'Set a new password from the server’s command line',
    actor: 'operator',
    tone: 'wait',
  },
  'user.login-failed': { what: 'Tried to sign in with a wrong password', actor: 'somebody', tone: 'wait' },
  'user.deleted': { what: 'Deleted the account' },
  'session.started': { what: 'Signed in' },
  'session.all-ended': { what: 'Signed out everywhere' },
  'session.token-reused': {
    what: 'Used a refresh token that had been used before: the session was ended',
    actor: 'somebody',
    tone: 'fail',
  },
  'credential.created': { what: 'Added a credential' },
  'credential.updated': { what: ({ changed }) => credentialChange(changed) },
  'credential.pushed': { what: (details) => `Pushed a credential to n8n${failures(details)}` },
  'credential.replaced': {
    what: (details) => `Replaced a credential in its deployments${failures(details)}`,
  },
  'credential.deleted': { what: 'Deleted a credential' },
  'workflow.created': { what: 'Added a workflow' },
  'workflow.deleted': { what: 'Deleted a workflow' },
  'instance.created': { what: 'Connected an instance' },
  'instance.updated': { what: ({ changed }) => `Changed an instance${listed(changed)}` },
  'instance.deleted': { what: 'Removed an instance' },
  'instance.reset-detected': {
    what: 'Found that n8n was reset: its execution IDs started again',
    actor: 'flowkeep',
  },
  'instance.webhook-token-rotated': { what: 'Replaced the token that n8n reports with' },
  'deployment.created': { what: ({ version }) => `Asked for a deployment${ofVersion(version)}` },
  'deployment.finished': { what: finished, actor: 'flowkeep' },
  'deployment.adopted': { what: ({ version }) => `Kept what was edited in n8n${asVersion(version)}` },
  'deployment.version-changed': {
    what: ({ version }) => `Said which version runs there${asVersion(version)}`,
  },
  'deployment.deleted': { what: 'Removed a deployment from the list' },
}

/** The actions that there are, in the order in which a filter offers them. */
export const knownActions: readonly string[] = Object.keys(wordings)

export interface EventWords {
  what: string
  actor: Actor
  /** Null for what is in order. */
  tone: Tone | null
  /** Null for an entity of a later version. */
  entity: Entity | null
}

export function wordsOf({ action, details }: Pick<AuditEvent, 'action' | 'details'>): EventWords {
  const [first = ''] = action.split('.')
  const entity = entities.find((each) => each === first) ?? null
  const wording = Object.hasOwn(wordings, action) ? wordings[action] : undefined
  if (!wording) return { what: plain(action), actor: 'owner', tone: null, entity }
  const { what, actor = 'owner', tone = null } = wording
  const failed = action === 'deployment.finished' && details?.status === 'failed'
  return {
    what: typeof what === 'string' ? what : what(details ?? {}),
    actor,
    tone: failed ? 'fail' : tone,
    entity,
  }
}

/** The same without the details of one entry, for a filter. */
export const actionLabel = (action: string): string => wordsOf({ action, details: null }).what

/** Webhook token rotated: of an action that has no wording yet. */
function plain(action: string): string {
  const text = action.replaceAll(/[.-]+/g, ' ').trim()
  return text.charAt(0).toUpperCase() + text.slice(1)
}

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []

function listed(fields: unknown): string {
  const names = texts(fields).map((name) => name.replaceAll(/([A-Z])/g, ' $1').toLowerCase())
  return names.length === 0 ? '' : `: ${names.join(', ')}`
}

function credentialChange(changed: unknown): string {
  const parts = texts(changed)
  if (parts.includes('data') && parts.includes('name')) return 'Renamed a credential and replaced values'
  if (parts.includes('data')) return 'Replaced values of a credential'
  return parts.includes('name') ? 'Renamed a credential' : 'Changed a credential'
}

const failures = ({ failed }: Record<string, unknown>): string =>
  typeof failed === 'number' && failed > 0 ? `: ${failed} failed` : ''

const ofVersion = (version: unknown) => (typeof version === 'number' ? ` of v${version}` : '')
const asVersion = (version: unknown) => (typeof version === 'number' ? ` as v${version}` : '')

const ends: Record<string, { done: string; doing: string }> = {
  deploy: { done: 'Deployed', doing: 'Deploying' },
  activate: { done: 'Published', doing: 'Publishing' },
  deactivate: { done: 'Unpublished', doing: 'Unpublishing' },
  undeploy: { done: 'Undeployed', doing: 'Undeploying' },
}

function finished({ action, status }: Record<string, unknown>): string {
  const end = typeof action === 'string' && Object.hasOwn(ends, action) ? ends[action] : undefined
  if (!end) return 'A deployment ended'
  if (status === 'failed') return `${end.doing} failed`
  return action === 'deploy' && status === 'inactive' ? 'Deployed, not published' : end.done
}
