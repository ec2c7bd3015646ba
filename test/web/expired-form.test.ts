/** Forms that are submitted after the session ended: what comes back, for whom, and what never does. */
import { describe, expect, test } from 'vitest'
import { openDraft } from '../../src/web/sign-in/form-draft.ts'
import { useTestApp } from '../harness/app.ts'
import { parsePage } from '../harness/dom.ts'
import { browser, type Browser, origin, type Page, signedInBrowser, type SignedInBrowser } from './browser.ts'

const app = useTestApp()
const sessionCookie = '__Host-flowkeep'

const fieldsIn = (html: string, action: string): Record<string, string> => parsePage(html).form(action)

/** Opens the form, ends the session in one of several ways, and submits the form. */
async function submitLate(
  tab: SignedInBrowser,
  path: string,
  action: string,
  typed: Record<string, string>,
): Promise<{ page: Page; sent: Record<string, string> }> {
  const opened = await tab.get(path)
  expect(opened.status).toBe(200)
  tab.cookies.delete(sessionCookie)
  const sent = { ...fieldsIn(opened.text, action), ...typed }
  return { page: await tab.post(action, sent), sent }
}

async function signBackIn(tab: Browser, page: Page, email: string, password: string): Promise<Page> {
  expect(page.status).toBe(401)
  const action = parsePage(page.text).forms.find((each) => each.endsWith('?resume')) ?? ''
  return tab.post(action, { ...fieldsIn(page.text, action), email, password })
}

const workflow = { name: 'Kept', nodes: [], connections: {} }
const json = JSON.stringify(workflow)

describe('a form submitted after the session ended', () => {
  test('is restored with its input after sign-in, and saved when submitted again', async () => {
    const tab = await signedInBrowser(app)
    const typed = { workflow: json, prompt: 'Make <b>"it"</b> & keep it', model: 'gpt', tags: 'a, b' }
    const { page, sent } = await submitLate(tab, '/workflows/new', '/workflows/new', typed)
    expect(page.text).toContain('Your session expired, so nothing is saved yet.')
    expect(page.text).not.toContain('keep it')
    const wrong = await signBackIn(tab, page, tab.email, 'not the password')
    expect(wrong.text).toContain('No account matches')
    const back = await signBackIn(tab, wrong, tab.email, tab.password)
    expect(back.status).toBe(200)
    expect(back.text).toContain('Your session expired before')
    expect(fieldsIn(back.text, '/workflows/new')).toEqual(sent)
    expect((await tab.get('/workflows')).text).toContain('No workflows yet')
    const saved = await tab.post('/workflows/new', fieldsIn(back.text, '/workflows/new'))
    expect(saved.location).toMatch(/^\/workflows\/[0-9a-f-]{36}/)
  })

  test('is restored without secrets, and marks the ones to enter again', async () => {
    const tab = await signedInBrowser(app)
    const action = '/credentials/new/postgres'
    const typed = {
      name: 'Orders',
      'data.host': 'db.example.com',
      'data.password': 'planted-password',
      'data.sshTunnel': 'true',
      'data.sshHost': 'ssh.example.com',
      'data.sshPassword': 'planted-ssh',
    }
    const { page } = await submitLate(tab, action, action, typed)
    expect(page.text).not.toContain('planted')
    const draft = fieldsIn(page.text, `${action}?resume`)['draft'] ?? ''
    const opened = await openDraft(app.deps.secretBox, tab.userId, draft, app.deps.now())
    expect(JSON.stringify(opened)).not.toContain('planted')
    const back = await signBackIn(tab, page, tab.email, tab.password)
    const fields = fieldsIn(back.text, action)
    expect(fields).toMatchObject({ name: 'Orders', 'data.host': 'db.example.com', 'data.password': '' })
    expect(fields).toMatchObject({ 'data.sshTunnel': 'true', 'data.sshHost': 'ssh.example.com' })
    expect(back.text).not.toContain('planted')
    expect(parsePage(back.text).text.split('Enter it again.')).toHaveLength(3)
  })

  test.each([
    [
      '/instances/new',
      '/instances',
      { baseUrl: 'https://n8n.example.com', name: 'prod' },
      { apiKey: 'key-1' },
    ],
    [
      '/credentials/new/acmeApi',
      '/credentials/new/acmeApi',
      { name: 'Acme' },
      { json: '{"apiKey":"planted"}' },
    ],
    ['/deployments/track', '/deployments/track', { n8nWorkflowId: 'aB3dE5fG7hJ9kL1m', version: '3' }, {}],
  ])('is restored on its page: %s', async (path, action, typed, secret) => {
    const tab = await signedInBrowser(app)
    const { page } = await submitLate(tab, path, action, { ...typed, ...secret })
    const back = await signBackIn(tab, page, tab.email, tab.password)
    expect(fieldsIn(back.text, action)).toMatchObject(typed)
    for (const value of Object.values(secret)) expect(back.text).not.toContain(value)
  })

  test('keeps the version that it is based on, so that a conflict is still reported', async () => {
    const tab = await signedInBrowser(app)
    const { location } = await tab.post('/workflows/new', { workflow: json })
    const path = `${(location ?? '').split('#')[0]}/edit`
    const { page } = await submitLate(tab, path, path, { name: 'Renamed late' })
    const back = await signBackIn(tab, page, tab.email, tab.password)
    const mine = fieldsIn(back.text, path)
    await tab.post(path, { ...fieldsIn((await tab.get(path)).text, path), name: 'Renamed meanwhile' })
    expect((await tab.post(path, mine)).status).toBe(412)
  })

  test('is hidden from another user who signs in', async () => {
    const tab = await signedInBrowser(app)
    const other = await signedInBrowser(app)
    const { page } = await submitLate(tab, '/workflows/new', '/workflows/new', { prompt: 'Only mine' })
    const back = await signBackIn(tab, page, other.email, other.password)
    expect(back).toMatchObject({ status: 303, location: '/' })
    const overview = await tab.get('/')
    expect(overview.text).toContain('it belongs to another user')
    expect(overview.text).not.toContain('Only mine')
  })

  test('belongs to the user of the page, even if the browser had signed in as another one since', async () => {
    const tab = await signedInBrowser(app)
    const other = await signedInBrowser(app)
    const opened = await tab.get('/workflows/new')
    tab.cookies.set(sessionCookie, other.cookies.get(sessionCookie) ?? '')
    await app.deps.sessions.endAll(other.userId)
    const page = await tab.post('/workflows/new', {
      ...fieldsIn(opened.text, '/workflows/new'),
      prompt: 'Only mine',
    })
    const back = await signBackIn(tab, page, other.email, other.password)
    expect(back).toMatchObject({ status: 303, location: '/' })
    expect((await tab.get('/')).text).not.toContain('Only mine')
  })

  test('is not restored after an hour, or from a modified draft', async () => {
    const tab = await signedInBrowser(app)
    const { page } = await submitLate(tab, '/workflows/new', '/workflows/new', { prompt: 'Late' })
    const draft = fieldsIn(page.text, '/workflows/new?resume')['draft'] ?? ''
    const at = (ms: number) => new Date(app.deps.now().getTime() + ms)
    const { secretBox } = app.deps
    expect(await openDraft(secretBox, tab.userId, draft, at(59 * 60_000))).not.toBeNull()
    expect(await openDraft(secretBox, tab.userId, draft, at(61 * 60_000))).toBeNull()
    for (const bad of [
      '',
      'AAAA',
      `${draft.slice(0, -8)}AAAAAAAA`,
      `${draft.slice(0, 200)}B${draft.slice(201)}`,
    ]) {
      expect(await openDraft(secretBox, tab.userId, bad, at(0))).toBeNull()
    }
  })

  test.each(['https://evil.example/', '//evil.example/', '/\\evil.example', '/v1/me', '/sign-out'])(
    'never leads to %j',
    async (target) => {
      const tab = await signedInBrowser(app)
      const { page } = await submitLate(tab, '/workflows/new', '/workflows/new', { _page: target })
      const back = await signBackIn(tab, page, tab.email, tab.password)
      expect(back.location ?? '/').toBe('/')
      expect(back.text).not.toContain('evil.example')
    },
  )

  test('from another site is rejected', async () => {
    const tab = await signedInBrowser(app)
    for (const path of ['/workflows/new', '/workflows/new?resume']) {
      const { status } = await tab.post(path, { prompt: 'x' }, { 'Sec-Fetch-Site': 'cross-site' })
      expect(status).toBe(403)
    }
  })

  test('that is too large is not kept, and the sign-in page reports it', async () => {
    const tab = await signedInBrowser(app)
    const { page } = await submitLate(tab, '/workflows/new', '/workflows/new', {
      workflow: 'x'.repeat(3_000_000),
    })
    expect(page).toMatchObject({ status: 303 })
    expect((await tab.get(page.location ?? '')).text).toContain('your changes were not saved')
  })

  test('that would not fit into the sign-in form is not kept', async () => {
    const tab = await signedInBrowser(app)
    const sizes = [2_000_000, 2_400_000]
    const statuses: number[] = []
    for (const size of sizes) {
      const { page } = await submitLate(tab, '/workflows/new', '/workflows/new', { prompt: 'y'.repeat(size) })
      statuses.push(page.status)
      if (page.status === 401) {
        const back = await signBackIn(tab, page, tab.email, tab.password)
        expect(back.status).toBe(200)
      }
    }
    expect(statuses).toEqual([401, 303])
  })

  test('from a page whose session was ended elsewhere is kept only by the cookie', async () => {
    const tab = await signedInBrowser(app)
    await app.deps.sessions.endAll(tab.userId)
    const headers = { Origin: origin, 'Sec-Fetch-Site': 'same-origin', Referer: `${origin}/workflows/new` }
    const page = await tab.post('/workflows/new', { prompt: 'By cookie' }, headers)
    const back = await signBackIn(tab, page, tab.email, tab.password)
    expect(fieldsIn(back.text, '/workflows/new')['prompt']).toBe('By cookie')
  })

  test('without a session and a known user leads to sign-in and is not kept', async () => {
    const page = await browser(app.app).post('/workflows/new', { prompt: 'Nobody' })
    expect(page).toMatchObject({ status: 303 })
    expect(page.location).toMatch(/^\/sign-in/)
  })
})
