/** @module The text, actor and severity of each audit event. */
import type { AuditEvent } from '../../users/audit-events.ts'
import type { Tone } from '../components/status.tsx'
import { plural } from '../format.ts'

export const entities = [
  'user',
  'session',
  'factor',
  'token',
  'app',
  'approval',
  'credential',
  'workflow',
  'environment',
  'instance',
  'deployment',
  'release',
  'execution',
  'dead-letter',
  'error',
  'audit',
  'alert',
  'model-prices',
] as const
export type Entity = (typeof entities)[number]

export const entityLabels: Record<Entity, { one: string; many: string }> = {
  user: { one: 'account', many: 'Account' },
  session: { one: 'session', many: 'Sessions' },
  factor: { one: 'second factor', many: 'Second factors' },
  token: { one: 'access token', many: 'Access tokens' },
  app: { one: 'app', many: 'Connected apps' },
  approval: { one: 'approval', many: 'Approvals' },
  credential: { one: 'credential', many: 'Credentials' },
  workflow: { one: 'workflow', many: 'Workflows' },
  environment: { one: 'environment', many: 'Environments' },
  instance: { one: 'instance', many: 'Instances' },
  deployment: { one: 'deployment', many: 'Deployments' },
  release: { one: 'release', many: 'Releases' },
  execution: { one: 'run', many: 'Runs' },
  'dead-letter': { one: 'dead letter', many: 'Dead letters' },
  error: { one: 'error group', many: 'Errors' },
  audit: { one: 'audit trail', many: 'Audit trail' },
  alert: { one: 'alert rule', many: 'Alerts' },
  'model-prices': { one: 'price list', many: 'Model prices' },
}

/** `unknown`: someone who knew the email address or had a token, possibly not the owner. */
export const actors = ['owner', 'flowkeep', 'operator', 'unknown'] as const
export type Actor = (typeof actors)[number]

interface ActionLabel {
  /** In the past tense. */
  text: string | ((details: Record<string, unknown>) => string)
  actor?: Actor
  tone?: Tone
}

const factorNames: Record<string, string> = {
  totp: 'an authenticator app',
  passkey: 'a passkey',
  'recovery-code': 'a recovery code',
}

const actionLabels: Record<string, ActionLabel> = {
  'user.registered': { text: 'Created the account' },
  'user.updated': { text: ({ fields }) => `Updated the account${listed(fields)}` },
  'user.password-changed': { text: 'Changed the password' },
  'user.password-reset': {
    text: "Reset the password from the server's command line",
    actor: 'operator',
    tone: 'wait',
  },
  'user.reset-requested': { text: 'Requested a password reset', actor: 'unknown', tone: 'wait' },
  'user.password-reset-by-link': { text: 'Reset the password with a link', tone: 'wait' },
  'user.email-verified': { text: 'Confirmed the email address' },
  'user.email-changed': { text: 'Changed the email address' },
  'user.email-restored': { text: 'Undid an email address change', actor: 'unknown', tone: 'fail' },
  'user.login-failed': { text: 'Failed to sign in: incorrect password', actor: 'unknown', tone: 'wait' },
  'user.deleted': { text: 'Deleted the account' },
  'session.ended': { text: 'Ended a session' },
  'session.others-ended': { text: 'Ended all other sessions' },
  'factor.totp-added': { text: 'Added an authenticator app' },
  'factor.totp-removed': { text: 'Removed the authenticator app', tone: 'wait' },
  'factor.passkey-added': { text: ({ name }) => `Added the passkey ${String(name)}` },
  'factor.passkey-removed': { text: 'Removed a passkey', tone: 'wait' },
  'factor.recovery-codes-created': { text: 'Created new recovery codes' },
  'factor.recovery-code-used': { text: 'Used a recovery code', tone: 'wait' },
  'factor.failed': { text: 'Entered an incorrect second factor', actor: 'unknown', tone: 'wait' },
  'factor.all-reset': {
    text: "Removed all second factors from the server's command line",
    actor: 'operator',
    tone: 'wait',
  },
  'session.started': {
    text: ({ method }) =>
      typeof method === 'string' ? `Signed in with ${factorNames[method]}` : 'Signed in',
  },
  'session.all-ended': { text: 'Signed out everywhere' },
  'session.token-reused': {
    text: 'Reused a refresh token, so Flowkeep ended the session',
    actor: 'unknown',
    tone: 'fail',
  },
  'app.connected': { text: ({ scopes }) => `Connected an app${listed(scopes)}` },
  'app.disconnected': { text: 'Disconnected an app' },
  'app.disconnected-itself': { text: 'The app disconnected itself' },
  'app.token-reused': {
    text: 'Reused a code or refresh token of an app, so Flowkeep disconnected the app',
    actor: 'unknown',
    tone: 'fail',
  },
  'token.created': { text: 'Created an access token' },
  'token.updated': { text: ({ changed }) => `Updated an access token${listed(changed)}` },
  'token.rotated': { text: 'Rotated an access token' },
  'token.revoked': { text: 'Revoked an access token' },
  'token.all-revoked': { text: 'Revoked all access tokens' },
  'approval.asked': { text: ({ summary }) => `Requested approval${quotedIn(summary)}`, tone: 'wait' },
  'approval.approved': { text: ({ summary }) => `Approved a request${quotedIn(summary)}` },
  'approval.denied': { text: ({ summary }) => `Denied a request${quotedIn(summary)}` },
  'approval.used': { text: ({ summary }) => `Used an approval${quotedIn(summary)}` },
  'approval.expired': {
    text: ({ summary }) => `An approval expired${quotedIn(summary)}`,
    actor: 'flowkeep',
  },
  'credential.created': { text: 'Added a credential' },
  'credential.updated': { text: ({ changed }) => credentialChange(changed) },
  'credential.pushed': { text: (details) => `Pushed a credential to n8n${failures(details)}` },
  'credential.replaced': {
    text: (details) => `Replaced a credential in its deployments${failures(details)}`,
  },
  'credential.deleted': { text: 'Deleted a credential' },
  'workflow.created': { text: 'Added a workflow' },
  'workflow.updated': {
    text: ({ version, from, fields }) => `Edited the workflow${changeOf(version, from)}${listed(fields)}`,
  },
  'workflow.restored': {
    text: ({ version, from, restored }) =>
      `Restored${ofVersion(restored).replace(' of', '')}${changeOf(version, from)}`,
  },
  'workflow.replay-setting': {
    text: ({ requireReplay }) =>
      requireReplay === true
        ? 'Required a replay before deployments'
        : 'Stopped requiring a replay before deployments',
  },
  'workflow.tested': { text: 'Tested the workflow' },
  'workflow.deleted': { text: 'Deleted a workflow' },
  'environment.created': { text: 'Added an environment' },
  'environment.updated': { text: ({ changed }) => `Updated an environment${listed(changed)}` },
  'environment.deleted': { text: 'Deleted an environment' },
  'release.created': { text: 'Created a release' },
  'release.started': { text: 'Started a release' },
  'release.halted': { text: 'Halted a release', tone: 'wait' },
  'release.resumed': { text: 'Resumed a release' },
  'release.completed': { text: 'Completed a release', actor: 'flowkeep' },
  'release.rollback-started': { text: 'Rolled back a release', tone: 'wait' },
  'release.rolled-back': { text: 'Finished the rollback of a release', actor: 'flowkeep' },
  'workflow.versions-compacted': {
    text: ({ versions }) => `Compacted ${plural(Array.isArray(versions) ? versions.length : 0, 'version')}`,
  },
  'workflow.values-stored': {
    text: ({ retentionDays }) =>
      `Set the values of runs to be stored${typeof retentionDays === 'number' ? ` for ${plural(retentionDays, 'day')}` : ''}`,
    tone: 'wait',
  },
  'workflow.values-deleted': { text: 'Stopped storing the values of runs and deleted them' },
  'instance.created': { text: (details) => `Added an instance${inNetwork(details)}` },
  'instance.updated': {
    text: (details) => `Updated an instance${listed(details['changed'])}${inNetwork(details)}`,
  },
  'instance.deleted': { text: 'Removed an instance' },
  'instance.reset-detected': {
    text: 'Detected a reset of n8n: its execution IDs started over',
    actor: 'flowkeep',
  },
  'instance.otel-set-up': {
    text: ({ replaced }) =>
      `Set up OpenTelemetry in n8n${typeof replaced === 'string' ? ` instead of ${replaced}` : ''}`,
  },
  'instance.otel-removed': { text: 'Removed OpenTelemetry from n8n' },
  'instance.reporter-set-up': { text: 'Set up the error reporter in n8n' },
  'instance.reporter-removed': { text: 'Removed the error reporter from n8n' },
  'instance.webhook-token-rotated': { text: 'Rotated the webhook token' },
  'deployment.created': { text: ({ version }) => `Started a deployment${ofVersion(version)}` },
  'deployment.forced': {
    text: ({ version, reason }) =>
      `Forced a deployment${ofVersion(version)} that n8n would refuse: ${String(reason)}`,
    tone: 'wait',
  },
  'deployment.finished': { text: finished, actor: 'flowkeep' },
  'deployment.adopted': { text: ({ version }) => `Saved the edits from n8n${asVersion(version)}` },
  'deployment.version-changed': {
    text: ({ version }) => `Set the deployed version${toVersion(version)}`,
  },
  'execution.exported': { text: 'Exported runs', tone: 'wait' },
  'dead-letter.replayed': {
    text: ({ replayed }) =>
      replayed === false ? 'Failed to replay a dead letter' : 'Replayed a dead letter',
  },
  'dead-letter.deleted': { text: 'Deleted a dead letter' },
  'user.exported': { text: 'Exported everything', tone: 'wait' },
  'audit.exported': { text: 'Exported the audit trail', tone: 'wait' },
  'execution.values-read': { text: 'Read the stored values of a run', tone: 'wait' },
  'error.resolved': { text: 'Resolved an error group' },
  'error.ignored': { text: 'Ignored an error group' },
  'error.reopened': { text: 'Reopened an error group' },
  'model-prices.updated': { text: 'Changed model prices' },
  'alert.rule-created': { text: 'Added an alert rule' },
  'alert.rule-updated': { text: ({ changed }) => `Updated an alert rule${listed(changed)}` },
  'alert.rule-deleted': { text: 'Deleted an alert rule' },
  'alert.channel-created': { text: 'Added an alert channel' },
  'alert.channel-deleted': { text: 'Deleted an alert channel' },
  'alert.secret-rotated': { text: 'Rotated the signing secret of an alert channel' },
  'deployment.deleted': { text: 'Removed a deployment from Flowkeep' },
}

const quotedIn = (summary: unknown): string => (typeof summary === 'string' ? `: ${summary}` : '')

/** Names the entry of ALLOW_PRIVATE_NETWORKS that allowed the server. */
const inNetwork = ({ privateNetwork }: Record<string, unknown>): string =>
  typeof privateNetwork === 'string' ? ` in the private network ${privateNetwork}` : ''

/** In the order in which the filter lists them. */
export const knownActions: readonly string[] = Object.keys(actionLabels)

export interface EventLabel {
  text: string
  actor: Actor
  /** Null for a routine event. */
  tone: Tone | null
  /** Null for an entity that this version does not know. */
  entity: Entity | null
}

export function labelOf({ action, details }: Pick<AuditEvent, 'action' | 'details'>): EventLabel {
  const [first = ''] = action.split('.')
  const entity = entities.find((each) => each === first) ?? null
  const label = Object.hasOwn(actionLabels, action) ? actionLabels[action] : undefined
  if (!label) return { text: fallbackText(action), actor: 'owner', tone: null, entity }
  const { text, actor = 'owner', tone = null } = label
  const failed = action === 'deployment.finished' && details?.status === 'failed'
  return {
    text: typeof text === 'string' ? text : text(details ?? {}),
    actor,
    tone: failed ? 'fail' : tone,
    entity,
  }
}

/** The text of an action without an event's details, for the filter. */
export const actionText = (action: string): string => labelOf({ action, details: null }).text

/** `instance.token-rotated` → Instance token rotated, for an action without a label. */
function fallbackText(action: string): string {
  const text = action.replaceAll(/[.-]+/g, ' ').trim()
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** v2 → v3, or only v3 if the version before is not known. */
const versions = (version: unknown, from: unknown): string => {
  if (typeof version !== 'number') return ''
  return typeof from === 'number' ? ` v${from} → v${version}` : ` v${version}`
}

const changeOf = (version: unknown, from: unknown): string =>
  version === from ? '' : `:${versions(version, from)}`

const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []

const fieldNames = new Map([
  ['apiKey', 'API key'],
  ['baseUrl', 'base URL'],
  ['channelIds', 'channels'],
  ['enabled', 'status'],
  ['expiresAt', 'expiry'],
  ['mutedUntil', 'muting'],
])

function listed(fields: unknown): string {
  const names = strings(fields).map(
    (name) => fieldNames.get(name) ?? name.replaceAll(/([A-Z])/g, ' $1').toLowerCase(),
  )
  return names.length === 0 ? '' : `: ${names.join(', ')}`
}

function credentialChange(changed: unknown): string {
  const parts = strings(changed)
  if (parts.includes('data') && parts.includes('name')) return 'Renamed a credential and replaced values'
  if (parts.includes('data')) return 'Replaced values of a credential'
  return parts.includes('name') ? 'Renamed a credential' : 'Updated a credential'
}

const failures = ({ failed }: Record<string, unknown>): string =>
  typeof failed === 'number' && failed > 0 ? `: ${failed} failed` : ''

const ofVersion = (version: unknown) => (typeof version === 'number' ? ` of v${version}` : '')
const toVersion = (version: unknown) => (typeof version === 'number' ? ` to v${version}` : '')
const asVersion = (version: unknown) => (typeof version === 'number' ? ` as v${version}` : '')

const outcomes: Record<string, { done: string; doing: string }> = {
  deploy: { done: 'Deployed', doing: 'Deploying' },
  activate: { done: 'Published', doing: 'Publishing' },
  deactivate: { done: 'Unpublished', doing: 'Unpublishing' },
  undeploy: { done: 'Undeployed', doing: 'Undeploying' },
}

function finished({ action, status, version, from }: Record<string, unknown>): string {
  const outcome = typeof action === 'string' && Object.hasOwn(outcomes, action) ? outcomes[action] : undefined
  if (!outcome) return 'Finished a deployment'
  if (status === 'failed') return `${outcome.doing} failed`
  const text = `${outcome.done}${versions(version, from)}`
  return action === 'deploy' && status === 'inactive' ? `${text}, not published` : text
}

/** The actions of an actor; of the owner, those to exclude. */
export function actionsOf(actor: Actor): { actions: string[]; isExcluded: boolean } {
  const isOwner = actor === 'owner'
  const actions = Object.entries(actionLabels).flatMap(([action, label]) =>
    isOwner ? (label.actor === undefined ? [] : [action]) : label.actor === actor ? [action] : [],
  )
  return { actions, isExcluded: isOwner }
}
