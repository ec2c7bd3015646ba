/** Testing a credential from its page, against the n8n stub: before its first deployment, and after a change. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFormWorld, fieldsOf, orders, type Person, textOf } from '../deployments/forms.ts'

let world: Awaited<ReturnType<typeof createFormWorld>>
beforeAll(async () => {
  world = await createFormWorld()
})
afterAll(() => world?.close())

const inN8n = (token: string) =>
  [...world.stub.state.credentials.values()].find(({ data }) => data['accessToken'] === token)
const works = (token: string) => world.stub.state.workingCredentials.add(inN8n(token)?.id ?? '')
const change = async (person: Person, id: string, token: string) => {
  const path = `/credentials/${id}/edit`
  const { version = '' } = fieldsOf((await person.get(path)).text, path)
  const saved = await person.submit(path, {
    version,
    name: 'Slack ops-bot',
    'data.accessToken': token,
  })
  expect(saved.at).toBe(`/credentials/${id}`)
}

describe('a new credential', () => {
  test('is sent to n8n and tested there, without a deployment', async () => {
    const person = await world.person()
    const instanceId = await person.addServer()
    const id = await person.credential('Slack ops-bot', 'slackApi', { accessToken: 'xoxb-first' })
    const path = `/credentials/${id}/validate`
    const saved = await person.get(`/credentials/${id}`)
    expect(textOf(saved.text)).toContain('Flowkeep sends it to prod-eu-1')
    expect(inN8n('xoxb-first')).toBeUndefined()
    expect(fieldsOf(saved.text, path)).toMatchObject({ instance: instanceId })

    const untestable = await person.submit(path, fieldsOf(saved.text, path))
    expect(textOf(untestable.text)).toContain('Not tested: n8n cannot test credentials of this type')
    works('xoxb-first')
    expect(textOf(untestable.text)).toContain('Test now')
    const tested = await person.submit(path, fieldsOf(untestable.text, path))
    expect(textOf(tested.text)).toContain('Credential works: n8n signed in with it.')

    await change(person, id, 'xoxb-second')
    expect(inN8n('xoxb-second')).toBeUndefined()
    const again = await person.submit(path, fieldsOf((await person.get(`/credentials/${id}`)).text, path))
    expect(textOf(again.text)).toContain('Credential works')
    expect(inN8n('xoxb-second')).toBeDefined()
    expect(inN8n('xoxb-first')).toBeUndefined()
  })

  test('can be tested on a chosen instance', async () => {
    const person = await world.person()
    const [first, second] = [
      await person.addServer('one'),
      await person.addServer('two', 'https://second.example.com'),
    ]
    const id = await person.credential()
    const page = (await person.get(`/credentials/${id}`)).dom()
    const options = [...page.getByLabel('Instance').querySelectorAll('option')]
    expect(options.map((option) => option.getAttribute('value')).toSorted()).toEqual(
      [first, second].toSorted(),
    )
  })

  test.each<[string, string, Record<string, unknown>, string | null]>([
    ['the type requires a sign-in in n8n', 'slackOAuth2Api', { clientId: 'i', clientSecret: 's' }, 'current'],
    ['n8n cannot test credentials', 'slackApi', { accessToken: 'x' }, 'legacy'],
    ['there is no instance', 'slackApi', { accessToken: 'x' }, null],
  ])('is not offered a test if %s', async (_reason, type, data, generation) => {
    const person = await world.person()
    if (generation) {
      const instanceId = await person.addServer()
      await world.world.database.sql`update instances
        set capabilities = jsonb_build_object('generation', ${generation}::text, 'cannot', '[]'::jsonb)
        where id = ${instanceId}`
    }
    const id = await person.credential('Slack', type, data)
    const page = (await person.get(`/credentials/${id}`)).dom()
    expect([...page.forms, ...page.links]).not.toContain(`/credentials/${id}/validate`)
    expect(page.text).toContain('Not in n8n yet')
  })

  test.each([
    ['nonsense', 404],
    ['theirs', 303],
  ])('is not sent to an instance of another user: %s', async (given, status) => {
    const [person, other] = [await world.person(), await world.person()]
    const theirs = await other.addServer()
    const token = `xoxb-${given}`
    const id = await person.credential('Slack', 'slackApi', { accessToken: token })
    const instance = given === 'theirs' ? theirs : given
    const answer = await person.post(`/credentials/${id}/validate`, { instance })
    expect(answer.status).toBe(status)
    expect(inN8n(token)).toBeUndefined()
  })
})

test('a changed credential of a live deployment is pushed and tested in one step', async () => {
  const person = await world.person()
  const instanceId = await person.addServer()
  const id = await person.credential('Slack ops-bot', 'slackApi', { accessToken: 'xoxb-live' })
  await person.deploy(await person.workflow(orders({ path: 'push-and-test' })), instanceId)
  works('xoxb-live')
  await change(person, id, 'xoxb-newer')
  const { text } = await person.get(`/credentials/${id}`)
  const path = `/credentials/${id}/validate`
  expect(textOf(text)).toContain('Push and test')
  const tested = await person.submit(path, fieldsOf(text, path))
  expect(textOf(tested.text)).toContain('Credential works')
  expect(textOf(tested.text)).not.toContain('n8n still has the old value')
  expect(inN8n('xoxb-newer')).toBeDefined()
})
