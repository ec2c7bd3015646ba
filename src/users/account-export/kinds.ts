/**
 * @module What an account export contains. Columns are left out if they are secrets, digests of secrets, or derived from
 * other columns. Executions and audit events have exports of their own, whose pages are part of this one.
 */
import { getTableColumns } from 'drizzle-orm'
import type { AnyPgColumn, PgTable } from 'drizzle-orm/pg-core'
import { alertChannels, alertDeliveries, alertIncidents, alertRules } from '../../db/schema/alerts.ts'
import { modelPrices } from '../../db/schema/analytics.ts'
import { approvals } from '../../db/schema/approvals.ts'
import { credentials } from '../../db/schema/credentials.ts'
import { deployments, deploymentVersions, remoteCredentials } from '../../db/schema/deployments.ts'
import { environments } from '../../db/schema/environments.ts'
import { errorGroupStates } from '../../db/schema/error-states.ts'
import { passkeys, totpFactors } from '../../db/schema/factors.ts'
import { incidents } from '../../db/schema/executions.ts'
import { deadLetters, instances, webhookTokens } from '../../db/schema/instances.ts'
import { oauthGrants } from '../../db/schema/oauth.ts'
import { releases, releaseTargets } from '../../db/schema/releases.ts'
import { testRuns } from '../../db/schema/test-runs.ts'
import { apiTokens, apiTokenUses, sessions, users } from '../../db/schema/users.ts'
import { valueStorage } from '../../db/schema/values.ts'
import { workflows, workflowVersions } from '../../db/schema/workflows.ts'

export interface ExportedKind {
  kind: string
  table: PgTable
  owner: AnyPgColumn
  /** Unique within the account, and indexed after `owner` or small. */
  order: readonly AnyPgColumn[]
  columns: Record<string, AnyPgColumn>
  /** A column of up to several megabytes. Pages of such rows are limited by its size. */
  large?: AnyPgColumn
}

type OwnedTable = PgTable & Record<'userId', AnyPgColumn>

const ownedKind = <T extends OwnedTable>(
  kind: string,
  table: T,
  order: readonly AnyPgColumn[],
  { without = [], large }: { without?: readonly (keyof T)[]; large?: AnyPgColumn } = {},
): ExportedKind => ({
  kind,
  table,
  owner: table.userId,
  order,
  columns: columnsOf(table, new Set<PropertyKey>(['userId', ...without])),
  ...(large && { large }),
})

function columnsOf(table: PgTable, without: ReadonlySet<PropertyKey>): Record<string, AnyPgColumn> {
  const columns: [string, AnyPgColumn][] = Object.entries(getTableColumns(table))
  return Object.fromEntries(columns.filter(([name]) => !without.has(name)))
}

const byId = ({ id }: { id: AnyPgColumn }): AnyPgColumn[] => [id]

/** In this order. Kinds that others refer to come first. */
export const exportedKinds: readonly ExportedKind[] = [
  {
    kind: 'user',
    table: users,
    owner: users.id,
    order: byId(users),
    columns: columnsOf(users, new Set(['passwordHash', 'pepperId', 'deletedAt'])),
  },
  ownedKind('session', sessions, byId(sessions), {
    without: ['generation', 'rotatedAt', 'refreshKeyId', 'accessKeyId'],
  }),
  ownedKind('authenticator-app', totpFactors, byId(totpFactors), {
    without: ['secret', 'keyId', 'lastStep'],
  }),
  ownedKind('passkey', passkeys, byId(passkeys), { without: ['credentialId', 'publicKey', 'signCount'] }),
  ownedKind('access-token', apiTokens, byId(apiTokens)),
  ownedKind('access-token-use', apiTokenUses, [apiTokenUses.tokenId]),
  ownedKind('connected-app', oauthGrants, [oauthGrants.tokenId], {
    without: ['codeHash', 'codeChallenge', 'codeExpiresAt', 'codeUsedAt', 'generation', 'refreshKeyId'],
  }),
  ownedKind('environment', environments, byId(environments)),
  ownedKind('credential', credentials, byId(credentials), { without: ['data', 'keyId'] }),
  ownedKind('instance', instances, byId(instances), {
    without: ['apiKey', 'keyId', 'serverKey', 'reporterLeaseUntil', 'pollLeaseUntil'],
  }),
  ownedKind('webhook-token', webhookTokens, byId(webhookTokens), { without: ['hash'] }),
  ownedKind('workflow', workflows, byId(workflows), {
    without: ['search', 'contentHash', 'warnings'],
    large: workflows.data,
  }),
  ownedKind('workflow-version', workflowVersions, [workflowVersions.workflowId, workflowVersions.version], {
    without: ['promptWords', 'contentHash'],
    large: workflowVersions.data,
  }),
  ownedKind('value-storage', valueStorage, [valueStorage.workflowId]),
  ownedKind('deployment', deployments, byId(deployments), {
    without: ['leaseOwner', 'leaseUntil', 'cleanUpAt', 'deployedHash'],
  }),
  ownedKind('deployment-version', deploymentVersions, [
    deploymentVersions.deploymentId,
    deploymentVersions.sequence,
  ]),
  ownedKind(
    'remote-credential',
    remoteCredentials,
    [remoteCredentials.instanceId, remoteCredentials.credentialId],
    {
      without: ['fingerprint'],
    },
  ),
  ownedKind('approval', approvals, byId(approvals), { without: ['requestHash', 'hash', 'planHash'] }),
  ownedKind('release', releases, byId(releases), { without: ['planHash', 'workedAt'] }),
  ownedKind('release-target', releaseTargets, [releaseTargets.releaseId, releaseTargets.position], {
    without: ['planHash', 'leaseOwner', 'leaseUntil'],
  }),
  ownedKind('test-run', testRuns, byId(testRuns), {
    without: ['leaseOwner', 'leaseUntil'],
    large: testRuns.nodes,
  }),
  ownedKind('model-price', modelPrices, [modelPrices.model]),
  ownedKind('failure', incidents, byId(incidents), { without: ['deliveryHash', 'messagePattern'] }),
  ownedKind('error-state', errorGroupStates, [errorGroupStates.fingerprint]),
  ownedKind('dead-letter', deadLetters, byId(deadLetters), {
    without: ['bodyHash'],
    large: deadLetters.body,
  }),
  ownedKind('alert-channel', alertChannels, byId(alertChannels), { without: ['target', 'keyId'] }),
  ownedKind('alert-rule', alertRules, byId(alertRules)),
  ownedKind('alert-incident', alertIncidents, byId(alertIncidents)),
  ownedKind('alert-delivery', alertDeliveries, byId(alertDeliveries), { without: ['leaseUntil'] }),
]
