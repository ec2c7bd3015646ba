/**
 * @module Lets a request of an access token through when its scopes allow it, or when a person has approved exactly this
 * request once. Everything that changes or deletes what cannot be restored calls `permit`, so that no route can skip it.
 */
import type { Fingerprint } from '../crypto/fingerprint.ts'
import { currentToken, withToken } from '../db/actor.ts'
import { AppError } from '../errors.ts'
import { approvable, type ApprovalKind, type Lendable, lendable } from '../http/approvable.ts'
import { hasScopes, requireScope } from '../http/scopes.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { redactStrings } from '../lib/secrets/redact-json.ts'
import { type ApprovalRepository, maximumPending } from './repository.ts'
import { summaryOf, visible } from './summary.ts'

/** What a change would do, as a person sees it. */
export interface Subject {
  /** The workflow or the credential. */
  name: string
  /** Where it would happen. */
  instance?: { name: string; isProduction: boolean } | undefined
  version?: number | undefined
  /** For the page: depends on the kind. */
  details: Record<string, unknown>
  /** What must not change until the request is made. Default: everything else. */
  state?: unknown
  planHash?: string
  /** The scopes that the change needs in addition to the scope of its kind. */
  scopes: readonly Lendable[]
}

export interface Change {
  kind: ApprovalKind
  subjectId: string
  /** What the request asks for. Stored, so without secrets. */
  request: Record<string, unknown>
  /** Secrets in the request. Part of its digest only. */
  secret?: unknown
  /** Read only when the scopes of an access token may not suffice. Null when the subject does not exist. */
  subject: () => Promise<Subject | null>
}

export type Permit = Approvals['permit']

export interface ApprovalsOptions {
  approvals: Pick<ApprovalRepository, 'use' | 'ask'>
  fingerprint: Fingerprint
  publicUrl: string
}

export class Approvals {
  readonly #options: ApprovalsOptions

  constructor(options: ApprovalsOptions) {
    this.#options = options
  }

  /**
   * Runs `work`, with the missing scopes if a person has approved the request. An approval is used even if `work` fails.
   * @returns null when the subject does not exist
   * @throws {AppError} `insufficient-scope`, `approval-required`, `approval-denied`, `conflict` for a repeated request
   */
  async permit<T>(userId: string, change: Change, work: () => Promise<T>): Promise<T | null> {
    requireScope(approvable[change.kind].scope)
    const token = currentToken()
    if (!token || hasScopes(...lendable)) return work()
    const subject = await change.subject()
    if (!subject) return null
    const missing = lendable.filter((scope) => subject.scopes.includes(scope) && !hasScopes(scope))
    if (missing.length === 0) return work()
    const digests = await this.#digests(change, subject)
    const approvalId = await this.#options.approvals.use(userId, digests.hash)
    if (approvalId === null) throw await this.#ask(userId, change, subject, { ...digests, missing })
    return withToken({ ...token, scopes: new Set([...token.scopes, ...missing]) }, work, approvalId)
  }

  async #digests({ kind, subjectId, request, secret }: Change, subject: Subject) {
    const { state = subject } = subject
    const asked = { kind, subjectId, request, secret }
    const digest = (value: unknown) =>
      this.#options.fingerprint('approval', canonicalJson(withoutUndefined(value)))
    const [requestHash, hash] = await Promise.all([digest(asked), digest({ ...asked, state })])
    return { requestHash, hash }
  }

  async #ask(
    userId: string,
    { kind, subjectId, request }: Change,
    subject: Subject,
    { requestHash, hash, missing }: { requestHash: string; hash: string; missing: Lendable[] },
  ): Promise<AppError> {
    const tokenName = visible(currentToken()?.name ?? '')
    const { name, instance, version, details, planHash = null } = visible(redactStrings(subject))
    const shown = visible(redactStrings(request))
    const summary = summaryOf(kind, { name, instance, version, request: shown })
    const asked = await this.#options.approvals.ask(userId, {
      kind,
      subjectId,
      tokenName,
      summary,
      request: shown,
      details: { name, ...(instance && { instance }), ...(version !== undefined && { version }), ...details },
      scopes: missing,
      requestHash,
      hash,
      planHash,
    })
    if (!asked)
      return new AppError(
        'quota-exceeded',
        `${maximumPending} approvals are pending, which is the limit. Ask the user to approve or deny them in the dashboard`,
      )
    const { id, status, expiresAt } = asked
    if (status === 'denied')
      return new AppError('approval-denied', `A person denied this request: ${summary}. Do not repeat it`, {
        extra: { approvalId: id, expiresAt },
      })
    if (status === 'used')
      return new AppError(
        'conflict',
        `The approval of this request was used a moment ago: ${summary}. Read the result before you ask again`,
      )
    const approveUrl = `${this.#options.publicUrl}/approvals/${id}`
    return new AppError(
      'approval-required',
      `A person must approve this request: ${summary}. Ask them to open ${approveUrl}, then send the same request again`,
      { extra: { approvalId: id, summary, approveUrl, expiresAt, requiredScopes: missing } },
    )
  }
}

const withoutUndefined = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
