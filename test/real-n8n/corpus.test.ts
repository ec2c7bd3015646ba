/** How many real workflows a real n8n takes, bound to dummy credentials; for the rest, n8n's own reason. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadCatalogue } from '../../src/n8n/catalogue.ts'
import { unwrapWorkflowFile } from '../../src/n8n/workflow-json.ts'
import { sampleCredentialData } from '../n8n/sample-data.ts'
import { createWorld, n8nIsGiven, until, type World } from './world.ts'

const folder = process.env.FLOWKEEP_CORPUS ?? ''
const given = n8nIsGiven && existsSync(join(folder, 'index.json'))

/** Triggers that are live without an account anywhere. */
const selfContained =
  /^(n8n-nodes-base\.(webhook|scheduleTrigger|cron|interval|manualTrigger|formTrigger|executeWorkflowTrigger|errorTrigger|start)|@n8n\/n8n-nodes-langchain\.chatTrigger)$/

interface Outcome {
  file: string
  published: boolean
  status: string
  step: string | null
  reason: string | null
}

describe.skipIf(!given)(`real workflows (skipped without N8N_URL, N8N_API_KEY and FLOWKEEP_CORPUS)`, () => {
  let world: World
  const bindings = new Map<string, string | { n8nCredentialId: string }>()
  const created: string[] = []

  beforeAll(async () => {
    world = await createWorld({ pushes: false })
  })
  afterAll(async () => {
    for (const id of created) await world.n8n('DELETE', `/credentials/${id}`)
    await world?.close()
  })

  /** A dummy of the type: kept here, or in n8n where a person would have to consent there. */
  async function bind(type: string): Promise<void> {
    if (bindings.has(type)) return
    const known = (await loadCatalogue()).credentialType(type)
    const data = known ? sampleCredentialData(known) : { token: 'dummy' }
    if (known?.oauth) {
      const { json: schema } = await world.n8n('GET', `/credentials/schema/${type}`)
      const required = (schema.required ?? []) as string[]
      const filled = required.map((name) => [name, schema.properties[name]?.enum?.[0] ?? 'dummy'])
      const made = await world.n8n('POST', '/credentials', {
        name: `Dummy ${type}`,
        type,
        data: Object.fromEntries(filled),
      })
      if (made.status >= 300) throw new Error(`No dummy of ${type}: ${JSON.stringify(made.json)}`)
      created.push(made.json.id)
      bindings.set(type, { n8nCredentialId: made.json.id })
      return
    }
    const { status, json } = await world.call('POST', '/v1/credentials', {
      type,
      name: `Dummy ${type}`,
      data,
    })
    if (status === 201) bindings.set(type, json.id)
  }

  async function deploy(file: string): Promise<Outcome> {
    const [workflow] = unwrapWorkflowFile(JSON.parse(readFileSync(join(folder, file), 'utf8')))
    const kept = await world.call('POST', '/v1/workflows', { workflow })
    if (kept.status !== 201)
      return { file, published: false, status: 'refused here', step: null, reason: kept.json.detail }
    for (const type of kept.json.requiredCredentialTypes) await bind(type)
    const published =
      kept.json.triggerTypes.length > 0 &&
      kept.json.triggerTypes.every((type: string) => selfContained.test(type))
    const chosen = Object.fromEntries(
      kept.json.requiredCredentialTypes.flatMap((type: string) =>
        bindings.has(type) ? [[type, bindings.get(type)]] : [],
      ),
    )
    const answer = await world.call('POST', '/v1/deployments', {
      workflowId: kept.json.id,
      instanceId: world.instanceId,
      bindings: chosen,
      publish: published,
    })
    if (answer.status !== 201) {
      const errors = (answer.json.errors ?? []) as { pointer: string; detail: string }[]
      const reason = [
        answer.json.detail,
        ...errors.map(({ pointer, detail }) => `${pointer} ${detail}`),
      ].join(' | ')
      return { file, published, status: `refused (${answer.status})`, step: 'plan', reason }
    }
    const { json } = await until(
      () => world.call('GET', `/v1/deployments/${answer.json.id}`),
      (current) => current.json.intent === null || current.json.status === 'failed',
      60_000,
    )
    await world.call('POST', `/v1/deployments/${json.id}/undeploy`)
    await until(
      () => world.call('GET', `/v1/deployments/${json.id}`),
      (current) => current.json.status === 'undeployed',
      60_000,
    )
    return { file, published, status: json.status, step: json.step, reason: json.error }
  }

  test(
    'deploy, or say why not in the words of n8n',
    async () => {
      const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as {
        file: string
        valid: boolean
      }[]
      const outcomes: Outcome[] = []
      for (const { file } of index.filter(({ valid }) => valid)) outcomes.push(await deploy(file))
      const deployed = outcomes.filter(({ status }) => status === 'active' || status === 'inactive')
      const failed = outcomes.filter((outcome) => !deployed.includes(outcome))
      console.log(
        [
          `${outcomes.length} workflows: ${deployed.length} deployed (${deployed.filter(({ status }) => status === 'active').length} live), ${failed.length} not:`,
          ...failed.map(({ file, status, step, reason }) => `  ${file}: ${status} at ${step}: ${reason}`),
        ].join('\n'),
      )
      expect(outcomes.length).toBeGreaterThan(300)
      // n8n's own refusals, and what is refused here because n8n refuses it: doubled names, malformed connections.
      const ownReason =
        /The n8n server refuses this: |is the name of an earlier node|must be an (object|array)/
      expect(failed.filter(({ reason }) => !ownReason.test(reason ?? ''))).toEqual([])
      expect(deployed.length / outcomes.length).toBeGreaterThan(0.7)
    },
    45 * 60_000,
  )
})
