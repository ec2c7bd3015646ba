/** What people paste or upload in the form of a workflow. The API is stricter. */
import { describe, expect, test } from 'vitest'
import { useTestApp } from '../../harness/app.ts'
import { parsePage } from '../../harness/dom.ts'
import { origin, type SignedInBrowser, signedInBrowser } from '../browser.ts'

const app = useTestApp()
const node = (index: number) => ({
  id: `n${index}`,
  name: `Step ${index}`,
  type: 'n8n-nodes-base.noOp',
  typeVersion: 1,
  position: [index * 200, 0],
  parameters: {},
})
const workflow = { name: 'Pasted', nodes: [node(1)], connections: {} }
const json = JSON.stringify(workflow, null, 2)
const own = { Origin: origin, 'Sec-Fetch-Site': 'same-origin' }

async function stored(tab: SignedInBrowser, location: string | null) {
  const id = /\/workflows\/([0-9a-f-]{36})/.exec(location ?? '')?.[1] ?? ''
  return app.deps.workflows.find(tab.userId, id)
}

describe('the JSON of a workflow', () => {
  test.each([
    ['a code fence', `\`\`\`json\n${json}\n\`\`\``],
    ['prose around it', `Here is your workflow:\n\n${json}\n\nLet me know!`],
    ['a byte order mark', `\ufeff${json}`],
    ['typographic quotes', json.replaceAll(/"([^"]*)"/g, '“$1”')],
    ['an array', `[${json}]`],
    ['a wrapper named workflow', JSON.stringify({ workflow })],
    ['a wrapper named data', JSON.stringify({ data: workflow })],
    ['the clipboard format of n8n', JSON.stringify({ ...workflow, meta: { instanceId: 'x' }, pinData: {} })],
  ])('is accepted with %s', async (_, text) => {
    const tab = await signedInBrowser(app)
    const { location, status } = await tab.post('/workflows/new', { workflow: text })
    expect(status).toBe(303)
    expect(await stored(tab, location)).toMatchObject({ nodeCount: 1 })
  })

  test('is refused with typographic quotes beside straight ones', async () => {
    const tab = await signedInBrowser(app)
    const text = json.replace('"Pasted"', '“Pasted”')
    const { status, text: page } = await tab.post('/workflows/new', { workflow: text })
    expect(status).toBe(422)
    expect(page).toContain('Not JSON at line 2, column 11')
  })

  test('is refused with nodes without a type, each with its pointer and place', async () => {
    const tab = await signedInBrowser(app)
    const nodes = Array.from({ length: 20 }, (_, index) => `  {"foo": ${index}}`).join(',\n')
    const text = `\`\`\`json\n{"nodes": [\n${nodes}\n], "connections": {}}\n\`\`\``
    const { status, text: page } = await tab.post('/workflows/new', { workflow: text })
    expect(status).toBe(422)
    const dom = parsePage(page)
    expect(dom.text).toContain('/nodes/0 needs a type, such as n8n-nodes-base.webhook')
    expect(page).toContain('at line 3, column 3')
    expect(page).toContain('at line 22, column 3')
    expect(dom.document.querySelector('textarea')?.getAttribute('aria-invalid')).toBe('true')
    const user = await app.user()
    const body = { workflow: { nodes: [{ foo: 1 }], connections: {} } }
    expect((await user.call('POST', '/v1/workflows', { body })).status).toBe(201)
  })

  test.each([
    ['UTF-8', new TextEncoder().encode(`\ufeff${json}`)],
    ['UTF-16', new Uint8Array(Buffer.from(`\ufeff${json}`, 'utf16le'))],
  ])('is read from an uploaded file in %s, which replaces the field', async (_, bytes) => {
    const tab = await signedInBrowser(app)
    const form = new FormData()
    form.set('workflow', 'replaced')
    form.set('prompt', 'One\r\nTwo')
    form.set('workflow.file', new File([bytes], 'workflow.json', { type: 'application/json' }))
    const cookie = [...tab.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await app.app.request(`${origin}/workflows/new`, {
      method: 'POST',
      headers: { Accept: 'text/html', Cookie: cookie, ...own },
      body: form,
    })
    expect(response.status).toBe(303)
    const saved = await stored(tab, response.headers.get('Location'))
    expect(saved).toMatchObject({ name: 'Pasted', prompt: 'One\nTwo' })
  })

  test('that is not a text file is refused', async () => {
    const tab = await signedInBrowser(app)
    const form = new FormData()
    form.set('workflow.file', new File([new Uint8Array([0x89, 0x50, 0xff, 0x80])], 'a.png'))
    const cookie = [...tab.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const init = { method: 'POST', headers: { Accept: 'text/html', Cookie: cookie, ...own }, body: form }
    const response = await app.app.request(`${origin}/workflows/new`, init)
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('not a text file')
  })
})

describe('the form that edits a workflow', () => {
  const jsonIn = (html: string, path: string) => parsePage(html).form(path)['workflow'] ?? ''

  test('has the current JSON, and says when nothing changed', async () => {
    const tab = await signedInBrowser(app)
    const { location } = await tab.post('/workflows/new', { workflow: json })
    const path = `${(location ?? '').split('#')[0]}/edit`
    const opened = await tab.get(path)
    expect(JSON.parse(jsonIn(opened.text, path))).toEqual(workflow)
    const sent = {
      expected: '1',
      name: 'Pasted',
      workflow: jsonIn(opened.text, path).replaceAll('\n', '\r\n'),
    }
    const saved = await tab.post(path, sent)
    expect((await tab.get(saved.location ?? '')).text).toContain(
      'Nothing changed, so no version was created.',
    )
    expect(await stored(tab, location)).toMatchObject({ version: 1 })
  })

  test('does not undo a newer version with unedited JSON', async () => {
    const tab = await signedInBrowser(app)
    const { location } = await tab.post('/workflows/new', { workflow: json })
    const path = `${(location ?? '').split('#')[0]}/edit`
    const mine = { expected: '1', name: 'Renamed', workflow: jsonIn((await tab.get(path)).text, path) }
    const newer = JSON.stringify({ ...workflow, nodes: [node(1), node(2)] })
    await tab.post(path, { expected: '1', name: 'Pasted', workflow: newer })
    const conflict = await tab.post(path, mine)
    expect(conflict.status).toBe(412)
    await tab.post(path, { expected: '2', name: 'Renamed', workflow: jsonIn(conflict.text, path) })
    expect(await stored(tab, location)).toMatchObject({ name: 'Renamed', nodeCount: 2, version: 3 })
  })
})
