/** @module Audit events of an account. They are immutable and are stored for 400 days. */
import { and, desc, eq, gte, inArray, lt, notInArray, sql } from 'drizzle-orm'
import * as z from 'zod'
import { actorKinds } from '../db/actor.ts'
import type { Reader } from '../db/client.ts'
import { likePattern, toSearchText } from '../db/search.ts'
import { credentials } from '../db/schema/credentials.ts'
import { deployments } from '../db/schema/deployments.ts'
import { instances } from '../db/schema/instances.ts'
import { auditEvents } from '../db/schema/users.ts'
import { workflows } from '../db/schema/workflows.ts'
import { type Page, pageQuery, type Slice, slice, sliceOf } from '../http/page.ts'
import { sealedText } from './audit-chain.ts'
import { type TableColumns, TableFormat } from '../http/table-stream.ts'

export const AuditEvent = z
  .object({
    id: z.uuid(),
    action: z.string().meta({ description: '<entity>.<verb>, such as credential.created' }),
    subjectId: z.uuid().nullable().meta({ description: 'ID of the entity' }),
    details: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta({ description: 'Details of the change, without secrets' }),
    token: z.object({ id: z.uuid(), name: z.string() }).nullable().meta({
      description: 'The access token that made the change. Null for a session, and for Flowkeep itself',
    }),
    actor: z.enum(actorKinds).nullable().meta({
      description:
        '`user` (a session), `token`, `app`, `operator` (the command line of the server), `job`, or `unknown` (not signed in). Null for events of earlier releases',
    }),
    approvalId: z.uuid().nullable().meta({ description: 'The approval that allowed the change' }),
    sessionId: z.uuid().nullable(),
    requestId: z.uuid().nullable(),
    clientAddress: z.string().nullable(),
    userAgent: z.string().nullable(),
    at: z.iso.datetime(),
    seq: z.int().nullable().meta({ description: 'Position in the trail, from 1' }),
    hash: z
      .string()
      .nullable()
      .meta({ description: 'SHA-256 of the event and of the hash before it; see docs/audit.md' }),
  })
  .meta({ ref: 'AuditEvent' })
export type AuditEvent = z.output<typeof AuditEvent>

export const AuditEventList = sliceOf(AuditEvent)

export const ExportedAuditEvent = AuditEvent.extend({
  salt: z.uuid().nullable(),
  sealed: z.string().meta({
    description: 'Details, client address, user agent and token name, as the hash covers them',
  }),
}).meta({ ref: 'ExportedAuditEvent' })

/** An event with the current names of its subject; null if there is none or it is deleted. */
export interface NamedAuditEvent extends z.output<typeof ExportedAuditEvent> {
  /** Of the credential, workflow or instance; of a deployment, "Orders on Production". */
  subjectName: string | null
  /** Of the workflow or the deployment's workflow. */
  workflowName: string | null
  /** Of the instance or the deployment's instance. */
  instanceName: string | null
}

const auditFilter = {
  action: z
    .string()
    .regex(
      /^[a-z0-9-]{1,64}(\.[a-z0-9-]{1,64})?$/,
      'Must be an action such as credential.created, or an entity such as credential',
    )
    .optional()
    .meta({ description: 'An action such as `credential.created`, or an entity such as `credential`' }),
  subjectId: z.uuid('Must be a UUID').optional(),
  tokenId: z
    .uuid('Must be a UUID')
    .optional()
    .meta({ description: 'Only changes made with the access token' }),
}

export const AuditEventQuery = z.strictObject({ ...pageQuery, ...auditFilter })
export const AuditEventExportQuery = z.strictObject({ ...auditFilter, format: TableFormat })
export interface AuditEventFilter {
  action?: string | undefined
  subjectId?: string | undefined
  tokenId?: string | undefined
  /** Part of the name of the subject or of its instance, or of a text in the details, such as an IP address. */
  q?: string | undefined
  among?: { actions: readonly string[]; isExcluded: boolean } | undefined
  /** Excludes earlier events. */
  from?: Date | undefined
}

const exportRows = 1000

/** The last columns of every CSV export. */
export const auditNameColumns: TableColumns<NamedAuditEvent> = {
  subjectName: ({ subjectName }) => subjectName,
  workflowName: ({ workflowName }) => workflowName,
  instanceName: ({ instanceName }) => instanceName,
  version: ({ details }) => details?.version,
  tokenId: ({ token }) => token?.id,
  tokenName: ({ token }) => token?.name,
  actor: ({ actor }) => actor,
  clientAddress: ({ clientAddress }) => clientAddress,
  userAgent: ({ userAgent }) => userAgent,
  sessionId: ({ sessionId }) => sessionId,
  requestId: ({ requestId }) => requestId,
  seq: ({ seq }) => seq,
}

/** The first parameter of every method is the owner's ID. */
export class AuditEventRepository {
  readonly #db: Reader

  constructor(db: Reader) {
    this.#db = db
  }

  /** Newest first. */
  async listNamed(
    userId: string,
    { action, subjectId, tokenId, q, among, from }: AuditEventFilter,
    page: Page,
  ): Promise<Slice<NamedAuditEvent>> {
    const subject = auditEvents.subjectId
    const rows = await this.#db
      .select({
        id: auditEvents.id,
        action: auditEvents.action,
        subjectId: subject,
        details: auditEvents.details,
        createdAt: auditEvents.createdAt,
        tokenId: auditEvents.tokenId,
        tokenName: auditEvents.tokenName,
        actor: sql<AuditEvent['actor']>`${auditEvents.actor}`,
        approvalId: auditEvents.approvalId,
        sessionId: auditEvents.sessionId,
        requestId: auditEvents.requestId,
        clientAddress: auditEvents.clientAddress,
        userAgent: auditEvents.userAgent,
        seq: auditEvents.seq,
        hash: auditEvents.hash,
        salt: auditEvents.salt,
        sealed: sql<string>`${sealedText}`,
        credentialName: credentials.name,
        workflowName: workflows.name,
        instanceName: instances.name,
      })
      .from(auditEvents)
      .leftJoin(deployments, and(eq(deployments.userId, userId), eq(deployments.id, subject)))
      .leftJoin(credentials, and(eq(credentials.userId, userId), eq(credentials.id, subject)))
      .leftJoin(
        workflows,
        and(
          eq(workflows.userId, userId),
          sql`${workflows.id} = coalesce(${deployments.workflowId}, ${subject})`,
        ),
      )
      .leftJoin(
        instances,
        and(
          eq(instances.userId, userId),
          sql`${instances.id} = coalesce(${deployments.instanceId}, ${subject})`,
        ),
      )
      .where(
        and(
          eq(auditEvents.userId, userId),
          page.after === null ? undefined : lt(auditEvents.id, page.after),
          action === undefined ? undefined : isAction(action),
          subjectId === undefined ? undefined : eq(auditEvents.subjectId, subjectId),
          tokenId === undefined ? undefined : eq(auditEvents.tokenId, tokenId),
          from && gte(auditEvents.createdAt, from),
          q === undefined ? undefined : mentions(userId, q),
          among && (among.isExcluded ? notInArray : inArray)(auditEvents.action, [...among.actions]),
        ),
      )
      .orderBy(desc(auditEvents.id))
      .limit(page.limit + 1)
    return slice(rows.map(toEvent), page.limit)
  }

  /** Like `listNamed`, without names. */
  async list(userId: string, filter: AuditEventFilter, page: Page): Promise<Slice<AuditEvent>> {
    const { items, nextCursor } = await this.listNamed(userId, filter, page)
    return { items: items.map(listed), nextCursor }
  }

  /** All matching events, one page at a time. */
  async *pages(userId: string, filter: AuditEventFilter): AsyncGenerator<NamedAuditEvent[], void, undefined> {
    let after: string | null = null
    do {
      const { items, nextCursor }: Slice<NamedAuditEvent> = await this.listNamed(userId, filter, {
        limit: exportRows,
        after,
      })
      yield items
      after = nextCursor === null ? null : (items.at(-1)?.id ?? null)
    } while (after !== null)
  }
}

interface Row extends Omit<NamedAuditEvent, 'at' | 'subjectName' | 'token'> {
  tokenId: string | null
  tokenName: string | null
  createdAt: Date
  credentialName: string | null
}

function toEvent({ createdAt, credentialName, tokenId, tokenName, ...event }: Row): NamedAuditEvent {
  const names = [event.workflowName, event.instanceName].filter((name) => name !== null)
  return {
    ...event,
    token: tokenId === null ? null : { id: tokenId, name: tokenName ?? '' },
    at: createdAt.toISOString(),
    subjectName: credentialName ?? (names.length > 0 ? names.join(' on ') : null),
  }
}

/** An event as a download contains it. */
export function withoutNames(named: NamedAuditEvent): z.output<typeof ExportedAuditEvent> {
  const { subjectName: _, workflowName: __, instanceName: ___, ...event } = named
  return event
}

function listed(event: NamedAuditEvent): AuditEvent {
  const { salt: _, sealed: __, ...shown } = withoutNames(event)
  return shown
}

const isAction = (action: string) =>
  action.includes('.')
    ? eq(auditEvents.action, action)
    : sql`split_part(${auditEvents.action}, '.', 1) = ${action}`

/** On an event: its subject has this text in its name, or its details have it in a value. */
function mentions(userId: string, q: string) {
  const pattern = likePattern(toSearchText(q))
  return sql`(
    ${auditEvents.subjectId} in (
      select id from workflows where user_id = ${userId} and name ilike ${pattern}
      union all select id from credentials where user_id = ${userId} and name ilike ${pattern}
      union all select id from instances where user_id = ${userId} and name ilike ${pattern}
      union all select d.id from deployments d
        join workflows w on w.user_id = d.user_id and w.id = d.workflow_id
        join instances i on i.user_id = d.user_id and i.id = d.instance_id
        where d.user_id = ${userId} and (w.name ilike ${pattern} or i.name ilike ${pattern})
    ) or exists (
      select from jsonb_each_text(${auditEvents.details}) as detail where detail.value ilike ${pattern}
    )
  )`
}
