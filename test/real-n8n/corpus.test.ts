/** The number of real workflows that a real n8n accepts with dummy credentials, and n8n's reasons for the others. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Finding } from '../../src/n8n/checks/finding.ts'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import { unwrapWorkflowFile } from '../../src/n8n/reading/workflow-json.ts'
import { sampleCredentialData } from '../n8n/sample-data.ts'
import { createWorld, onRealN8n, until, type World } from './world.ts'

const folder = process.env.FLOWKEEP_CORPUS ?? ''

/** Triggers that need no account at a service. */
const selfContained =
  /^(n8n-nodes-base\.(webhook|scheduleTrigger|cron|interval|manualTrigger|formTrigger|executeWorkflowTrigger|errorTrigger|start)|@n8n\/n8n-nodes-langchain\.chatTrigger)$/

interface Outcome {
  file: string
  /** Blocking findings of the plan. */
  errors: string[]
  ready: boolean
  /** Whether n8n published it; null if not requested. */
  published: boolean | null
  status: string
  reason: string | null
}

onRealN8n('FLOWKEEP_CORPUS')('workflows of the corpus', () => {
  let world: World
  const bindings = new Map<string, string | { n8nCredentialId: string }>()

  beforeAll(async () => {
    world = await createWorld({ pushes: false })
  })
  afterAll(() => world?.close(), 300_000)

  /** A dummy credential of the type: in Flowkeep, or in n8n if the type needs consent there. */
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
        // Simulates a sign-in.
        data: {
          ...Object.fromEntries(filled),
          ...(schema.properties.oauthTokenData && { oauthTokenData: { access_token: 'dummy' } }),
        },
      })
      if (made.status >= 300) throw new Error(`No dummy of ${type}: ${JSON.stringify(made.json)}`)
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

  /** Plans, then deploys. If a trigger needs an account at a service, publishes only through n8n. */
  async function deploy(file: string): Promise<Outcome> {
    const [workflow] = unwrapWorkflowFile(JSON.parse(readFileSync(join(folder, file), 'utf8')))
    const kept = await world.call('POST', '/v1/workflows', { workflow })
    const outcome = { file, errors: [], ready: false, published: null, reason: null }
    if (kept.status !== 201) return { ...outcome, status: 'refused here', reason: kept.json.detail }
    for (const type of kept.json.requiredCredentialTypes) await bind(type)
    const target = {
      workflowId: kept.json.id,
      instanceId: world.instanceId,
      bindings: kept.json.requiredCredentialTypes.flatMap((type: string) => {
        const found = bindings.get(type)
        if (found === undefined) return []
        return [typeof found === 'string' ? { type, credentialId: found } : { type, ...found }]
      }),
    }
    const plan = await world.call('POST', '/v1/deployments/plan', target)
    if (plan.status !== 200)
      return { ...outcome, status: `no plan (${plan.status})`, reason: plan.json.detail }
    const errors = (plan.json.problems as Finding[]).flatMap(({ level, code, node, message }) =>
      level === 'error' ? [`${code}${node ? ` at ${node}` : ''}: ${message}`] : [],
    )
    const ready: boolean = plan.json.ready
    const isWhole = kept.json.triggerTypes.every((type: string) => selfContained.test(type))
    const answer = await world.call('POST', '/v1/deployments', { ...target, publish: ready && isWhole })
    if (answer.status !== 201) {
      return { file, errors, ready, published: null, status: 'not sent', reason: answer.json.detail }
    }
    const { json } = await until(
      () => world.call('GET', `/v1/deployments/${answer.json.id}`),
      (current) => current.json.intent === null || current.json.status === 'failed',
      60_000,
    )
    let { status, error: reason } = json
    let published: boolean | null = status === 'active' ? true : status === 'failed' ? false : null
    if (status === 'inactive' && !(ready && isWhole)) {
      const asked = await world.n8n('POST', `/workflows/${json.n8nWorkflowId}/publish`, {})
      published = asked.status === 200
      status = 'published by n8n'
      if (!published) [status, reason] = ['refused by n8n', asked.json.message]
    }
    if (json.n8nWorkflowId) {
      // A trigger that never starts delays the deletion of its workflow in n8n, so all are deleted at the end.
      await world.n8n('POST', `/workflows/${json.n8nWorkflowId}/unpublish`)
    }
    return { file, errors, ready, published, status, reason }
  }

  test(
    'n8n publishes every workflow whose plan is ready',
    async () => {
      const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as {
        file: string
        valid: boolean
      }[]
      const outcomes: Outcome[] = []
      for (const { file } of index.filter(({ valid }) => valid)) {
        const outcome = await deploy(file)
        outcomes.push(outcome)
        if (outcome.ready && outcome.published !== true) console.log(JSON.stringify(outcome))
      }
      const ready = outcomes.filter((outcome) => outcome.ready)
      const broken = ready.filter(({ published }) => published !== true)
      const blocked = outcomes.filter((outcome) => !outcome.ready)
      const codes = blocked.flatMap(({ errors }) => [...new Set(errors.map((each) => each.split(/[: ]/)[0]))])
      const counts = [...Map.groupBy(codes, (code) => code)].map(([code, all]) => `${all.length} ${code}`)
      const falseAlarms = blocked.filter(({ published }) => published === true)
      const row = ({ file, status, reason, errors }: Outcome) =>
        `  ${file}: ${status}${reason ? `: ${reason}` : ''}${errors.length > 0 ? ` | ${errors.join(' | ')}` : ''}`
      console.log(
        [
          `${outcomes.length} workflows: ${ready.length} plans say ready, n8n publishes ${ready.length - broken.length} of these`,
          ...broken.map(row),
          `${blocked.length} plans do not: ${counts.join(', ')}`,
          `${falseAlarms.length} of these n8n would publish all the same:`,
          ...falseAlarms.map(row),
        ].join('\n'),
      )
      expect(outcomes.length).toBeGreaterThan(300)
      expect(ready.length).toBeGreaterThan(100)
      expect(broken.map(row)).toEqual([])
    },
    45 * 60_000,
  )
})
