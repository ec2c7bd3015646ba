/** Deploying, rolling back, publishing and undeploying through the dashboard forms, against the n8n stub. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFormWorld, fieldsOf, orders, type Person, textOf } from './forms.ts'
import { parsePage } from '../../harness/dom.ts'

let world: Awaited<ReturnType<typeof createFormWorld>>
beforeAll(async () => {
  world = await createFormWorld()
})
afterAll(() => world?.close())

/** A user with an instance, a credential and a workflow that is live as v1. */
async function deployed(workflow = orders()) {
  const person = await world.person()
  const instanceId = await person.addServer()
  await person.credential()
  const workflowId = await person.workflow(workflow)
  const page = await person.deploy(workflowId, instanceId)
  return { person, instanceId, workflowId, page, path: page.at }
}

const remoteOf = async (person: Person, path: string) => {
  const id = path.split('/')[2] ?? ''
  const deployment = await world.world.deps.deployments.find(person.userId, id)
  return world.stub.state.workflows.get(deployment?.n8nWorkflowId ?? '')
}

describe('planning and deploying', () => {
  test('a plan changes nothing, lists the planned changes, and its button applies them', async () => {
    const person = await world.person()
    const instanceId = await person.addServer()
    await person.credential()
    const workflowId = await person.workflow(orders({ path: 'plan-me', name: 'Support triage' }))
    const before = world.stub.state.workflows.size
    const plan = await person.get(`/deployments/new?workflow=${workflowId}&instance=${instanceId}`)
    expect(plan.status).toBe(200)
    const text = textOf(plan.text)
    expect(text).toContain('Deploy Support triage v1')
    expect(text).toContain('Ready')
    expect(text).toContain('Create Support triage v1, as a new workflow on prod-eu-1')
    expect(text).toContain('Create Slack API Credential, created in n8n')
    expect(text).toContain('Create Error reporter')
    expect(text).toContain('https://n8n.example.com/webhook/plan-me')
    expect(world.stub.state.workflows.size).toBe(before)

    const page = await person.submit('/deployments', fieldsOf(plan.text, '/deployments'))
    expect(page.at).toMatch(/^\/deployments\/[0-9a-f-]{36}$/)
    expect(textOf(page.text)).toContain('Support triage on prod-eu-1: v1 is live.')
    expect(parsePage(page.text).links).toContainEqual(
      expect.stringMatching(/^https:\/\/n8n\.example\.com\/workflow\//),
    )
    expect((await remoteOf(person, page.at))?.isLive).toBe(true)
  })

  test('a double click on Deploy leads to the same deployment', async () => {
    const person = await world.person()
    const instanceId = await person.addServer()
    await person.credential()
    const workflowId = await person.workflow()
    const plan = await person.get(`/deployments/new?workflow=${workflowId}&instance=${instanceId}`)
    const fields = fieldsOf(plan.text, '/deployments')
    const [first, second] = [
      await person.post('/deployments', fields),
      await person.post('/deployments', fields),
    ]
    expect([first.status, second.status]).toEqual([303, 303])
    expect(second.location).toBe(first.location)
  })

  test('an outdated plan is replaced by the current plan and not deployed', async () => {
    const person = await world.person()
    const instanceId = await person.addServer()
    await person.credential()
    const workflowId = await person.workflow()
    const plan = await person.get(`/deployments/new?workflow=${workflowId}&instance=${instanceId}`)
    await person.credential('Slack finance')
    const answer = await person.submit('/deployments', fieldsOf(plan.text, '/deployments'))
    expect(answer.status).toBe(409)
    expect(textOf(answer.text)).toContain('The plan has changed since you opened it.')
    expect((await person.get('/deployments')).text).toContain('No deployments yet.')
  })

  test('a type with several credentials needs a choice before Deploy is offered', async () => {
    const person = await world.person()
    const instanceId = await person.addServer()
    await person.credential('Slack ops-bot')
    const finance = await person.credential('Slack finance')
    const workflowId = await person.workflow()
    const url = `/deployments/new?workflow=${workflowId}&instance=${instanceId}`
    const open = await person.get(url)
    expect(textOf(open.text)).toContain('2 credentials match. Choose one.')
    expect(parsePage(open.text).forms).not.toContain('/deployments')
    const page = await person.deploy(workflowId, instanceId, `&credential.slackApi=${finance}`)
    expect(textOf(page.text)).toContain('v1 is live')
    expect(parsePage(page.text).links).toContain(`/credentials/${finance}`)
  })

  test('a type without a credential links to the form that creates one', async () => {
    const person = await world.person()
    const instanceId = await person.addServer()
    const workflowId = await person.workflow()
    const { text } = await person.get(`/deployments/new?workflow=${workflowId}&instance=${instanceId}`)
    expect(textOf(text)).toContain('You have no Slack API credential.')
    expect(parsePage(text).links).toContainEqual(
      expect.stringMatching(/^\/credentials\/new\/slackApi\?return=/),
    )
    expect(parsePage(text).forms).not.toContain('/deployments')
  })

  test('choices that no longer fit are dropped and reported', async () => {
    const person = await world.person()
    const instanceId = await person.addServer()
    await person.credential()
    const workflowId = await person.workflow()
    const { status, text } = await person.get(
      `/deployments/new?workflow=${workflowId}&instance=${instanceId}&version=7&credential.linearApi=01985b1a-7e51-7000-8000-000000000000&junk=1`,
    )
    expect(status).toBe(200)
    expect(textOf(text)).toContain('The workflow has no version 7')
    expect(textOf(text)).toContain('No node needs a linearApi')
    expect(parsePage(text).forms).toContain('/deployments')
  })

  test('a conflict on a webhook path names the published workflow that uses it', async () => {
    const { person, instanceId } = await deployed(orders({ path: 'taken-path', name: 'First come' }))
    const workflowId = await person.workflow(orders({ path: 'taken-path', name: 'Second' }))
    const { text } = await person.get(`/deployments/new?workflow=${workflowId}&instance=${instanceId}`)
    expect(textOf(text)).toContain(
      'The published workflow "First come" already uses the webhook POST taken-path',
    )
  })

  test('an unreachable n8n is a warning, and the choices are preserved', async () => {
    const person = await world.person()
    const instanceId = await person.addServer()
    const workflowId = await person.workflow()
    world.world.fail(() => true, 'reset')
    const { status, text } = await person.get(
      `/deployments/new?workflow=${workflowId}&instance=${instanceId}`,
    )
    expect(status).toBe(200)
    expect(textOf(text)).toContain('Could not read from prod-eu-1, so the plan is unavailable.')
    expect(parsePage(text).document.querySelector('[name=workflow] [selected]')?.getAttribute('value')).toBe(
      workflowId,
    )
  })

  test('a workflow deployed unpublished is created but does not run', async () => {
    const person = await world.person()
    const instanceId = await person.addServer()
    await person.credential()
    const page = await person.deploy(await person.workflow(), instanceId, '&publish=no')
    expect(textOf(page.text)).toContain('v1 is deployed but unpublished')
    expect((await remoteOf(person, page.at))?.isLive).toBe(false)
  })
})

describe('versions', () => {
  test('a newer version goes live through its plan, and a rollback names its version and effect first', async () => {
    const { person, workflowId, instanceId, path } = await deployed(orders({ path: 'rolls', text: 'first' }))
    await person.change(workflowId, orders({ path: 'rolls', text: 'second' }))
    const offered = await person.get(path)
    expect(textOf(offered.text)).toContain('Plan v2')
    const plan = await person.get(`/deployments/new?workflow=${workflowId}&instance=${instanceId}`)
    expect(textOf(plan.text)).toContain('Stop v1 New runs use v2')
    expect(textOf(plan.text)).toContain('Slack: parameters.text')
    const newer = await person.submit('/deployments', fieldsOf(plan.text, '/deployments'))
    expect(newer.at).toBe(path)
    expect(textOf(newer.text)).toContain('v2 is live.')
    expect((await remoteOf(person, path))?.nodes[1]?.parameters).toMatchObject({ text: 'second' })

    const asked = await person.get(`${path}/rollback?version=1`)
    expect(textOf(asked.text)).toContain('Roll back to v1? New runs use v1 immediately.')
    expect(textOf(asked.text)).toContain('Compared with v2: 1 node changed')
    const back = await person.submit(`${path}/rollback`, fieldsOf(asked.text, `${path}/rollback`))
    expect(back.at).toBe(path)
    expect(textOf(back.text)).toContain('v1 is live.')
    expect(textOf(back.text)).toContain('v1, rolled back from v2')
    expect((await remoteOf(person, path))?.nodes[1]?.parameters).toMatchObject({ text: 'first' })
  })

  test.each(['9', '0', 'x', '', '1e99'])(
    'rejects a rollback to version %j, which was never deployed',
    async (version) => {
      const { person, path } = await deployed()
      expect((await person.get(`${path}/rollback?version=${version}`)).status).toBe(404)
      const answer = await person.submit(`${path}/rollback`, { version })
      expect(textOf(answer.text)).toContain('was never live in this deployment')
    },
  )

  test('each version shows its runs and success rate, and links to those runs', async () => {
    const { person, path, instanceId } = await deployed()
    const remote = await remoteOf(person, path)
    for (const status of ['success', 'success', 'success', 'error'] as const) {
      world.stub.addExecution({ workflowId: remote?.id ?? '', status })
    }
    await person.post(`/instances/${instanceId}/poll`)
    const { text } = await person.get(path)
    expect(textOf(text)).toContain('75.0%')
    expect(parsePage(text).links).toContainEqual(
      expect.stringContaining(`/executions?dep=${path.split('/')[2]}&kind=production&v=1`),
    )
  })
})

describe('failures', () => {
  test('a failed deployment shows its step and reason, and Retry resumes from there', async () => {
    const person = await world.person()
    const instanceId = await person.addServer()
    await person.credential()
    const workflowId = await person.workflow()
    const plan = await person.get(`/deployments/new?workflow=${workflowId}&instance=${instanceId}`)
    world.world.fail(({ method }) => method === 'PUT', '4xx')
    const failed = await person.submit('/deployments', fieldsOf(plan.text, '/deployments'))
    expect(textOf(failed.text)).toContain('stopped at “Updating the workflow”')
    expect(textOf(failed.text)).toContain('Applying (stopped here) Updating the workflow')
    expect(parsePage(failed.text).document.querySelector('[data-refresh]')).toBeNull()
    expect(textOf((await person.get('/deployments')).text)).toContain('1 failed')
    const live = await person.submit(`${failed.at}/retry`)
    expect(textOf(live.text)).toContain('v1 is live.')
  })

  test('a deployment in progress refreshes its page and offers no actions', async () => {
    const { person, path } = await deployed()
    await world.world.database.sql`update deployments set status = 'deploying', step = 'verify',
      intent = '{"action":"deploy","version":1}' where id = ${path.split('/')[2]}`
    const { text } = await person.get(path)
    expect(parsePage(text).document.querySelector('#deployment')?.hasAttribute('data-refresh')).toBe(true)
    expect(textOf(text)).toContain('Verifying (in progress) Verifying the triggers')
    expect(parsePage(text).forms.filter((action) => action.startsWith(`${path}/`))).toEqual([])
  })
})

describe('publishing, undeploying, deleting', () => {
  test('unpublishing and publishing change what n8n runs', async () => {
    const { person, path } = await deployed()
    expect(textOf((await person.submit(`${path}/deactivate`)).text)).toContain(
      'v1 is deployed but unpublished',
    )
    world.stub.advance(1_000)
    expect((await remoteOf(person, path))?.isLive).toBe(false)
    expect(textOf((await person.submit(`${path}/activate`)).text)).toContain('v1 is live.')
    expect((await remoteOf(person, path))?.isLive).toBe(true)
  })

  test('undeploying asks for confirmation, and deleting requires the typed name', async () => {
    const { person, path } = await deployed(orders({ name: 'Sure? (a|b)+' }))
    expect(textOf((await person.get(`${path}/undeploy`)).text)).toContain(
      'the workflow is deleted from prod-eu-1',
    )
    const refused = await person.submit(`${path}/delete`, { name: 'Sure? (a|b)+' })
    expect(textOf(refused.text)).toContain('Undeploy it first')
    const gone = await person.submit(`${path}/undeploy`)
    expect(textOf(gone.text)).toContain('was undeployed')
    expect(await remoteOf(person, path)).toBeUndefined()
    const asked = await person.get(`${path}/delete`)
    expect(parsePage(asked.text).document.querySelector('[name=name]')?.getAttribute('pattern')).toBe(
      '\\s*Sure\\? \\(a\\|b\\)\\+\\s*',
    )
    const wrong = await person.submit(`${path}/delete`, { name: 'sure' })
    expect(wrong.status).toBe(422)
    expect(textOf(wrong.text)).toContain('The name does not match.')
    expect(fieldsOf(wrong.text, `${path}/delete`)['name']).toBe('sure')
    const done = await person.submit(`${path}/delete`, { name: 'Sure? (a|b)+' })
    expect(done.at).toBe('/deployments')
    expect((await person.get(path)).status).toBe(404)
  })
})
