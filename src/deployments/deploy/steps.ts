/**
 * @module The steps of a deployment in n8n. Each is idempotent after any failure: it finds existing objects and saves each
 * new n8n ID immediately.
 */
import type { JsonObject } from '../../lib/json-object.ts'
import type { SentVariables } from '../../db/schema/deployments.ts'
import { AppError } from '../../errors.ts'
import { sameJson } from '../../workflows/diff.ts'
import type { Connection } from '../../instances/connections.ts'
import type { Reporter } from '../../instances/contract.ts'
import type { ErrorReporter } from '../../instances/reporter.ts'
import { withoutSuccessReport, withSuccessReport } from '../../instances/success-report.ts'
import type { N8nWorkflow } from '../../n8n/api/shapes.ts'
import { isN8nError, N8nError } from '../../n8n/api/transport.ts'
import type { Catalogue } from '../../n8n/catalogue/catalogue.ts'
import { endpointsOf } from '../../n8n/reading/webhook-paths.ts'
import type { CredentialRefs } from '../remote/credential-refs.ts'
import { CredentialStep } from './credential-step.ts'
import {
  type ErrorHandling,
  errorHandlingOf,
  namedErrorWorkflow,
  settingsToRemember,
} from './error-handling.ts'
import type { Call, RemoteCredentials } from '../remote/credentials.ts'
import { startedBy, toRemoteBody } from '../remote/body.ts'
import { remoteHash } from '../remote/form.ts'
import { webhookScopeOf } from '../remote/webhook-ids.ts'
import { isLive, Publication } from './publication.ts'
import type { Outcome, Run } from './run.ts'

/** A workflow with references resolved for this n8n, and the n8n IDs of its sub-workflows. */
export interface ResolvedCalls {
  workflow: JsonObject
  calls: string[]
}

/** How much later a creation without a response may take effect. */
const lookAgainMs = 1_000
/** The workflow's name in n8n until its ID is saved here, so that a retry finds it. */
export const creationName = (deploymentId: string): string => `flowkeep-${deploymentId}`

export interface StepTools {
  connection: Connection
  remoteCredentials: RemoteCredentials
  reporter: Pick<ErrorReporter, 'ensureReporter' | 'removeReporter'>
  catalogue: Catalogue
  /** The version with its sub-workflows' IDs on this instance. @throws {AppError} `conflict` when one is missing */
  resolveCalls: (workflow: JsonObject, n8nWorkflowId: string | null) => Promise<ResolvedCalls>
  /** The variables of the version with the values that its workflow contains. */
  variables: SentVariables
  /** The URL that the instance posts reports to. */
  webhookUrl: string
  call: Call
  wait: (ms: number) => Promise<void>
  now: () => Date
}

/** The steps of one run. Every method @throws {N8nError}, {AppError}, {LeaseLostError}. */
export class Steps {
  readonly #run: Run
  readonly #tools: StepTools
  readonly #publication: Publication
  readonly #credentials: CredentialStep
  #hasCreated = false
  #resolved: { id: string | null; calls: ResolvedCalls } | undefined

  constructor(run: Run, tools: StepTools) {
    this.#run = run
    this.#tools = tools
    this.#publication = new Publication(run, tools)
    this.#credentials = new CredentialStep(run, tools)
  }

  async deploy(version: number, workflow: JsonObject): Promise<Outcome> {
    const { bindings } = this.#run.row
    // Fails before anything is sent.
    this.#run.enter('sub-workflows')
    await this.#resolve(workflow)
    const credentials = await this.#credentials.push(bindings)
    this.#run.enter('reporter')
    const { connection, reporter } = this.#tools
    const content = {
      workflow,
      credentials,
      reporter: await this.#call(() => reporter.ensureReporter(connection)),
    }
    const current = await this.#ensureWorkflow(content)
    const endpoints = await this.#update(current, content, version)
    const reason = this.#whyUnpublished(workflow)
    if (reason !== undefined) {
      if (current.active) await this.#publication.unpublish(current.id)
      await this.#run.save({ version, liveSince: null, endpoints })
      await this.#dropReplaced(this.#run.row.intent.replacedCredentialIds)
      return { status: 'inactive', deployed: true, ...(reason && { reason }) }
    }
    await this.#publication.publish(current, version)
    await this.#publication.verify(current.id, startedBy(workflow, this.#tools.catalogue) !== 'trigger')
    if (this.#hasCreated) await this.#removeStrays()
    await this.#dropReplaced(this.#run.row.intent.replacedCredentialIds)
    return { status: 'active', deployed: true }
  }

  /**
   * Publishes the deployed version in n8n, even if a user unpublished it there or published another one. Deploys the
   * workflow and credentials again if they were deleted in n8n, or if undeploying had deleted them.
   */
  async activate(workflow: JsonObject): Promise<Outcome> {
    const started = startedBy(workflow, this.#tools.catalogue)
    if (started === 'nothing') return { status: 'inactive', reason: noTrigger, deployed: false }
    const id = this.#run.row.n8nWorkflowId
    this.#run.enter('publish')
    const current =
      id === null
        ? undefined
        : await this.#call(() => this.#tools.connection.client.getWorkflow(id)).catch(ignoreNotFound)
    if (!current) return this.deploy(this.#run.row.version, workflow)
    if (current.isArchived) throw archived()
    await this.#credentials.push(this.#run.row.bindings)
    const { n8nVersionId } = this.#run.row
    const isCalled = started !== 'trigger'
    if (isLive(current, n8nVersionId, isCalled)) return { status: 'active', deployed: false }
    // A draft that a user left in n8n stays a draft.
    const isDraft = current.activeVersionId !== null || current.versionId !== n8nVersionId
    const { publish } = await this.#call(() => this.#tools.connection.client.capabilities())
    const versionId = publish && isDraft && n8nVersionId !== null ? n8nVersionId : undefined
    await this.#publication.publish(current, this.#run.row.version, versionId)
    await this.#publication.verify(current.id, isCalled)
    return { status: 'active', deployed: false }
  }

  async deactivate(): Promise<Outcome> {
    const id = this.#run.row.n8nWorkflowId
    const isGone =
      id === null ||
      (await this.#publication.unpublish(id).then(
        () => false,
        (error: unknown) => ignoreNotFound(error) === undefined,
      ))
    return { status: 'inactive', deployed: false, ...(isGone && { reason: gone }) }
  }

  /** Removes only what Flowkeep created for the deployment. */
  async undeploy(): Promise<Outcome> {
    const { client } = this.#tools.connection
    const { userId, id } = this.#run.row
    const workflowId = this.#run.row.n8nWorkflowId ?? (await this.#findCreated())?.id
    if (workflowId !== undefined) {
      this.#run.enter('unpublish')
      if (this.#run.row.n8nWorkflowId === null) await this.#run.save({ n8nWorkflowId: workflowId })
      await this.#call(() => client.unpublishWorkflow(workflowId)).catch(ignoreNotFound)
      this.#run.enter('workflow-delete')
      await this.#publication.delete(workflowId)
      await this.#run.save({
        n8nWorkflowId: null,
        n8nVersionId: null,
        deployedHash: null,
        liveSince: null,
        endpoints: null,
      })
    }
    await this.#removeStrays()
    this.#run.enter('credential-delete')
    await this.#tools.remoteCredentials.removeUnused(userId, this.#tools.connection, id, this.#tools.call)
    await this.#dropReplaced(this.#run.row.intent.replacedCredentialIds)
    if (await this.#run.isLast()) await this.#tools.reporter.removeReporter(this.#tools.connection)
    return { status: 'undeployed', deployed: false }
  }

  /** The workflow in n8n, created if it does not exist. */
  async #ensureWorkflow(content: Content): Promise<N8nWorkflow> {
    const { client } = this.#tools.connection
    const { n8nWorkflowId: id, managed } = this.#run.row
    if (id !== null) {
      this.#run.enter('workflow-update')
      const found = await this.#call(() => client.getWorkflow(id)).catch((error: unknown) => {
        if (isN8nError(error, 'not-found') && managed) return undefined
        throw error
      })
      if (found?.isArchived) throw archived()
      if (found) return found
    }
    this.#run.enter('workflow-create')
    if (id !== null) await this.#run.save({ n8nWorkflowId: null })
    const created = (await this.#findCreated()) ?? (await this.#create(content))
    this.#hasCreated = true
    await this.#run.save({ n8nWorkflowId: created.id })
    return created
  }

  async #create(content: Content): Promise<N8nWorkflow> {
    const { client } = this.#tools.connection
    const body = await this.#body(content, undefined, creationName(this.#run.row.id))
    try {
      return await this.#call(() => client.createWorkflow(body))
    } catch (error) {
      if (!(error instanceof N8nError && error.ambiguous)) throw error
      await this.#tools.wait(lookAgainMs)
      const created = await this.#findCreated().catch(() => undefined)
      if (!created) throw error
      return created
    }
  }

  async #findCreated(): Promise<N8nWorkflow | undefined> {
    const found = await this.#listCreated()
    return found.find((workflow) => !workflow.isArchived)
  }

  #listCreated(): Promise<N8nWorkflow[]> {
    return this.#call(() => this.#tools.connection.client.findWorkflows(creationName(this.#run.row.id)))
  }

  /** Removes workflows that a creation without a response made later. */
  async #removeStrays(): Promise<void> {
    for (const { id } of await this.#listCreated()) {
      if (id !== this.#run.row.n8nWorkflowId) await this.#publication.delete(id)
    }
  }

  /** @returns the endpoints of its triggers after publishing */
  async #update(current: N8nWorkflow, content: Content, version: number): Promise<string[]> {
    const { workflow, calls } = await this.#resolve(content.workflow)
    const handling = this.#errorHandling({ ...content, workflow }, current.settings)
    const { managed, settingsBefore } = this.#run.row
    const reporterWorkflowId = content.reporter.n8nWorkflowId
    this.#run.enter('workflow-update')
    const remembered = settingsToRemember(
      current.settings,
      { managed, settingsBefore, reporterWorkflowId },
      handling,
    )
    // Saved before the change, so that the original settings can be restored.
    if (!sameJson(remembered, settingsBefore)) await this.#run.save({ settingsBefore: remembered })
    const { client } = this.#tools.connection
    const body = await this.#body(content, current)
    const answer = await this.#call(() => client.updateWorkflow(current.id, body, { publishIfActive: false }))
    const { generation } = await this.#call(() => client.capabilities())
    // A legacy n8n has no drafts: an active workflow runs the new version immediately.
    const isLive = generation === 'legacy' && answer.active
    await this.#run.save({
      deployedHash: await remoteHash(withoutSuccessReport(answer)),
      n8nVersionId: answer.versionId,
      reportsErrors: handling.by === 'reporter',
      variables: this.#tools.variables,
      calls,
    })
    const endpoints = endpointsOf(answer.nodes, this.#tools.catalogue)
    if (isLive) await this.#run.goLive(version, answer.versionId, endpoints)
    return endpoints
  }

  async #body(content: Content, live: N8nWorkflow | undefined, name?: string) {
    const { credentials, reporter } = content
    const { workflow } = await this.#resolve(content.workflow)
    const { catalogue, webhookUrl } = this.#tools
    const { settings: acceptedSettings } = await this.#call(() =>
      this.#tools.connection.client.capabilities(),
    )
    const options = {
      credentials,
      acceptedSettings,
      live,
      webhookScope: webhookScopeOf(this.#run.row, this.#run.row),
      errorHandling: this.#errorHandling({ ...content, workflow }, live?.settings),
      ...(name !== undefined && { name }),
    }
    const { body, errors } = toRemoteBody(workflow, catalogue, options)
    const [first] = errors
    if (first) throw new AppError('invalid-workflow', `${first.pointer} ${first.detail}`, { errors })
    if (!this.#run.row.reportSuccess) return body
    const receiver = { credentialId: reporter.n8nCredentialId, webhookUrl }
    return withSuccessReport(body, receiver, (type) => catalogue.nodeType(type)?.trigger ?? false).body
  }

  #errorHandling({ workflow, reporter }: Content, live: N8nWorkflow['settings'] | undefined): ErrorHandling {
    const { settingsBefore, reportsErrors } = this.#run.row
    return errorHandlingOf({
      workflow,
      live,
      settingsBefore,
      reportsErrors,
      own: namedErrorWorkflow(workflow.settings),
      reporterWorkflowId: reporter.n8nWorkflowId,
    })
  }

  async #dropReplaced(ids: string[] | undefined): Promise<void> {
    if (!ids || ids.length === 0) return
    const { connection, remoteCredentials, call } = this.#tools
    const { userId, id } = this.#run.row
    await remoteCredentials.dropReplaced(userId, connection, id, ids, call)
  }

  /** Undefined: publish it. Empty: the request asked not to publish. */
  #whyUnpublished(workflow: JsonObject): string | undefined {
    if (this.#run.row.intent.unpublished) return ''
    return startedBy(workflow, this.#tools.catalogue) === 'nothing' ? noTrigger : undefined
  }

  /** Cached per n8n workflow ID, which may become known only after the first call. */
  async #resolve(workflow: JsonObject): Promise<ResolvedCalls> {
    const id = this.#run.row.n8nWorkflowId
    if (this.#resolved?.id === id) return this.#resolved.calls
    const calls = await this.#call(() => this.#tools.resolveCalls(workflow, id))
    this.#resolved = { id, calls }
    return calls
  }

  #call: Call = (work) => this.#tools.call(work)
}

interface Content {
  workflow: JsonObject
  credentials: CredentialRefs
  reporter: Reporter
}

const gone = 'n8n no longer has the workflow. Activate or deploy it to create it again'
const archived = () =>
  new AppError('conflict', 'The workflow is archived in n8n. Unarchive it there, then retry')

const noTrigger = 'Not published: the workflow has no enabled trigger. Add one, then deploy again'

/** Returns undefined for `not-found` and rethrows any other error. */
export function ignoreNotFound(error: unknown): undefined {
  if (!isN8nError(error, 'not-found')) throw error
}
