/** @module The timeline of the demo account: sign-up, credentials, versions, deployments. */
import { v7 as uuidv7 } from 'uuid'
import type { SlotBinding } from '../../src/db/schema/deployments.ts'
import type { Deps } from '../../src/deps.ts'
import { DeploymentRuns, RetryLaterError, type Run } from '../../src/deployments/deploy/run.ts'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import { readSlots, type Slot } from '../../src/n8n/reading/slots.ts'
import type { Workflow } from '../../src/workflows/contract.ts'
import type { Flow } from './flow.ts'
import { credentialFor, credentialInput, credentials, type DemoCredential, servers } from './fixtures.ts'
import { Random, uuidOf } from './random.ts'
import { dayMs } from './traffic.ts'
import type { DemoDeployment, DemoWorkflow, Server } from './workflow.ts'

const hourMs = dayMs / 24

export interface SeedEvent {
  atMs: number
  /** Set if the deployments on this server change. Earlier reports must be recorded first. */
  server?: Server
  run: () => Promise<void>
}

export interface MadeVersion {
  workflowId: string
  version: number
  atMs: number
}

/** IDs of the resources created so far. */
export class Timeline {
  readonly servers = new Map<Server, string>()
  readonly credentials = new Map<DemoCredential, { id: string; madeAtMs: number }>()
  readonly versions: MadeVersion[] = []
  readonly #deps: Deps
  readonly #userId: string
  readonly #nowMs: number
  readonly #runs: DeploymentRuns
  readonly #workflows = new Map<DemoWorkflow, Workflow>()
  /** By version, starting at 1. */
  readonly #slots = new Map<DemoWorkflow, Slot[][]>()
  readonly #deployments = new Map<DemoDeployment, string>()

  constructor(deps: Deps, userId: string, nowMs: number) {
    this.#deps = deps
    this.#userId = userId
    this.#nowMs = nowMs
    this.#runs = new DeploymentRuns(deps.db, deps.now)
  }

  events(flows: Map<DemoWorkflow, Flow[]>): SeedEvent[] {
    return [
      ...servers.map((server) => this.#addServer(server)),
      ...credentials.flatMap((credential) => this.#addCredential(credential)),
      ...this.#rotate(),
      ...[...flows].flatMap(([workflow, versions]) => this.#makeVersions(workflow, versions)),
      ...[...flows.keys()].flatMap((workflow) =>
        workflow.deployments.flatMap((deployment) => this.#deploy(workflow, deployment)),
      ),
    ].toSorted((a, b) => a.atMs - b.atMs)
  }

  #daysAgo = (days: number) => Math.round(this.#nowMs - days * dayMs)

  #addServer({ key, name, baseUrl }: (typeof servers)[number]): SeedEvent {
    return {
      atMs: this.#daysAgo(key === 'staging' ? 52 : 60.5),
      run: async () => {
        const apiKey = `n8n_api_${new Random(name).hex(40)}`
        const { id } = await this.#deps.instances.create(this.#userId, { name, baseUrl, apiKey })
        this.servers.set(key, id)
      },
    }
  }

  #addCredential(credential: DemoCredential): SeedEvent[] {
    const { madeDaysAgo, checked } = credential
    const made: SeedEvent = {
      atMs: this.#daysAgo(madeDaysAgo),
      run: async () => {
        const stored = await this.#deps.credentials.create(this.#userId, credentialInput(credential))
        if (stored) this.credentials.set(credential, { id: stored.id, madeAtMs: made.atMs })
      },
    }
    if (!checked) return [made]
    const tested: SeedEvent = {
      atMs: this.#nowMs - checked.hoursAgo * hourMs,
      run: async () => {
        const { credentials: stored } = this.#deps
        const id = this.credentials.get(credential)?.id ?? ''
        const opened = await stored.open(this.#userId, id)
        if (!opened) throw new Error(`Credential "${credential.name}" not found`)
        await stored.recordValidation(this.#userId, opened, {
          status: checked.error === undefined ? 'valid' : 'invalid',
          ...(checked.error !== undefined && { error: checked.error }),
        })
      },
    }
    return [made, tested]
  }

  /** Rotates some secrets. */
  #rotate(): SeedEvent[] {
    const renewed = credentials.filter(({ name }) => ['OpenAI team key', 'Stripe restricted'].includes(name))
    return [
      ...renewed.map((credential, index) => ({
        atMs: this.#daysAgo(21.4 - 8 * index),
        run: async () => {
          const id = this.credentials.get(credential)?.id ?? ''
          await this.#deps.credentials.update(this.#userId, id, null, { data: credential.data })
        },
      })),
      {
        atMs: this.#daysAgo(9.3),
        run: async () => {
          await this.#deps.instances.rotateWebhookToken(this.#userId, this.servers.get('eu') ?? '')
        },
      },
    ]
  }

  #makeVersions(workflow: DemoWorkflow, flows: Flow[]): SeedEvent[] {
    const { name, description, tags } = workflow
    const credentialName = (type: string) => credentialFor(name, type)?.name ?? type
    return workflow.versions.map(({ daysAgo, prompt, model }, index) => ({
      atMs: this.#daysAgo(daysAgo),
      run: async () => {
        const json = flows[index]?.json(name, credentialName) ?? {}
        const earlier = this.#workflows.get(workflow)
        const change = { workflow: json, prompt, model }
        const made = earlier
          ? await this.#deps.workflows.update(this.#userId, earlier.id, earlier.version, change)
          : await this.#deps.workflows.create(this.#userId, { ...change, name, description, tags })
        if (made?.version !== index + 1) throw new Error(`Version ${index + 1} of "${name}" changes nothing`)
        this.#workflows.set(workflow, made)
        const { slots } = readSlots(made.workflow, await loadCatalogue())
        this.#slots.set(workflow, [...(this.#slots.get(workflow) ?? []), slots])
        this.versions.push({ workflowId: made.id, version: made.version, atMs: this.#daysAgo(daysAgo) })
      },
    }))
  }

  #deploy(workflow: DemoWorkflow, deployment: DemoDeployment): SeedEvent[] {
    const { server, status, history, endedDaysAgo, step, error } = deployment
    const event = (daysAgo: number, run: () => Promise<void>): SeedEvent => ({
      atMs: this.#daysAgo(daysAgo),
      server,
      run,
    })
    const [, ...later] = history
    const last = history.at(-1)
    if (!last) return []
    if (status === 'tracking') {
      return history.map(([version, daysAgo], index) =>
        event(daysAgo, () => this.#track(workflow, deployment, version, index === 0)),
      )
    }
    const changes = history.map(([version, daysAgo], index) =>
      event(daysAgo, async () => {
        if (index === 0) await this.#create(workflow, deployment, version)
        if (status !== 'pending') await this.#bring(workflow, deployment, version)
      }),
    )
    if (endedDaysAgo !== undefined) {
      return [...changes, event(endedDaysAgo, () => this.#end(deployment, status === 'undeployed'))]
    }
    if (step === undefined) return changes
    const wanted = Math.min(workflow.versions.length, (later.at(-1) ?? last)[0] + 1)
    const daysAgo = status === 'deploying' ? 0.004 : 0.35
    return [...changes, event(daysAgo, () => this.#stop(workflow, deployment, wanted, step, error))]
  }

  async #track(workflow: DemoWorkflow, deployment: DemoDeployment, version: number, isFirst: boolean) {
    const { deployments } = this.#deps
    if (!isFirst) {
      await deployments.setVersion(this.#userId, this.#idOf(deployment), version)
      return
    }
    const made = await deployments.track(this.#userId, {
      ...this.#target(workflow, deployment),
      version,
      n8nWorkflowId: n8nIdOf(workflow, deployment),
      bindings: this.#bindings(workflow, version),
    })
    this.#deployments.set(deployment, made.id)
  }

  async #create(workflow: DemoWorkflow, deployment: DemoDeployment, version: number): Promise<void> {
    const id = uuidv7()
    await this.#deps.deployments.createManaged(this.#userId, {
      ...this.#target(workflow, deployment),
      id,
      version,
      bindings: this.#bindings(workflow, version),
      reportSuccess: false,
      intent: { action: 'deploy', version },
    })
    this.#deployments.set(deployment, id)
  }

  /** Records a deployment step by step, like a real one. */
  async #bring(workflow: DemoWorkflow, deployment: DemoDeployment, version: number): Promise<void> {
    const run = await this.#begin(
      deployment,
      { action: 'deploy', version },
      this.#bindings(workflow, version),
    )
    const sent = new Random(`${workflow.name} ${deployment.server} ${version}`)
    run.enter('verify')
    await run.save({
      version,
      n8nWorkflowId: n8nIdOf(workflow, deployment),
      deployedHash: sent.hex(64),
      n8nVersionId: uuidOf(sent.hex(8)),
      liveSince: null,
    })
    await run.finish({ status: 'active', deployed: true })
  }

  async #end(deployment: DemoDeployment, isTakenBack: boolean): Promise<void> {
    const run = await this.#begin(deployment, { action: isTakenBack ? 'undeploy' : 'deactivate' })
    run.enter('unpublish')
    await run.save({
      liveSince: null,
      ...(isTakenBack && { n8nWorkflowId: null, n8nVersionId: null, deployedHash: null }),
    })
    await run.finish({ status: isTakenBack ? 'undeployed' : 'inactive', deployed: false })
  }

  async #stop(
    workflow: DemoWorkflow,
    deployment: DemoDeployment,
    version: number,
    step: string,
    error: string | undefined,
  ): Promise<void> {
    const run = await this.#begin(
      deployment,
      { action: 'deploy', version },
      this.#bindings(workflow, version),
    )
    run.enter(step)
    if (error !== undefined) await run.fail(error)
    // Delayed so that no job resumes it during the demo.
    else
      await run.reschedule(
        new RetryLaterError(30 * dayMs, 'The n8n server is busy. Flowkeep resumes automatically'),
      )
  }

  async #begin(
    deployment: DemoDeployment,
    intent: { action: 'deploy' | 'deactivate' | 'undeploy'; version?: number },
    bindings?: SlotBinding[],
  ): Promise<Run> {
    const row = await this.#runs.find(this.#userId, this.#idOf(deployment))
    const run = row && (await this.#runs.begin(row, intent, bindings ? { bindings } : {}))
    if (!run) throw new Error('A demo deployment cannot start')
    return run
  }

  #idOf(deployment: DemoDeployment): string {
    const id = this.#deployments.get(deployment)
    if (id === undefined) throw new Error('A demo deployment does not exist yet')
    return id
  }

  #target(workflow: DemoWorkflow, { server }: DemoDeployment) {
    const workflowId = this.#workflows.get(workflow)?.id
    const instanceId = this.servers.get(server)
    if (!workflowId || !instanceId) throw new Error(`"${workflow.name}" is deployed before it exists`)
    return { workflowId, instanceId }
  }

  #bindings(workflow: DemoWorkflow, version: number): SlotBinding[] {
    const slots = this.#slots.get(workflow)?.[version - 1] ?? []
    return slots.flatMap(({ node, type }) => {
      const credential = credentialFor(workflow.name, type)
      if (!credential) return []
      const made = this.credentials.get(credential)
      if (!made) throw new Error(`"${workflow.name}" uses "${credential.name}" before it exists`)
      return [{ node: node.name, type, credentialId: made.id }]
    })
  }
}

const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789'

/** In n8n's format: 16 letters and digits. */
export function n8nIdOf({ name }: { name: string }, { server }: { server: Server }): string {
  const random = new Random(`${name} on ${server}`)
  return Array.from({ length: 16 }, () => alphabet[random.whole(0, alphabet.length - 1)]).join('')
}
