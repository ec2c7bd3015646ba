/** The history of a workflow shows its edits. */
import { expect, test } from 'vitest'
import { useTestApp } from '../../harness/app.ts'
import { parsePage, text } from '../../harness/dom.ts'
import { signedInBrowser } from '../browser.ts'

const app = useTestApp()

const script = '<script>alert(1)</script>'
const planted = 'kx9f2Lq8Zr4Tb7Wm3Yd6Pc1N'
const node = (name: string) => ({
  id: name,
  name,
  type: 'n8n-nodes-base.set',
  typeVersion: 3.4,
  position: [0, 0],
  parameters: {},
})

test('versions list edits as sentences, without values', async () => {
  const { userId, get } = await signedInBrowser(app)
  const workflow = { name: 'Edited', nodes: [node('Orders'), node('Slack')], connections: {} }
  const { id } = await app.deps.workflows.create(userId, { workflow, prompt: 'Notify the shop' })
  await app.deps.edits.apply(userId, id, 1, {
    operations: [
      { op: 'renameNode', node: 'Slack', name: script },
      { op: 'setParameter', node: script, pointer: '/options/token', value: planted },
      { op: 'setNodeProperty', node: 'Orders', property: 'notes', value: planted },
      { op: 'disableNode', node: script },
    ],
  })
  const editsOn = (page: string) =>
    [...parsePage(page).document.querySelectorAll('.version-edits li')].map((item) => text(item))
  const sentences = [
    `Renamed Slack to ${script}`,
    `Set options.token of ${script}`,
    'Set notes of Orders',
    `Disabled ${script}`,
  ]
  const list = await get(`/workflows/${id}/versions`)
  expect(editsOn(list.text)).toEqual(sentences)
  expect(list.text).not.toContain('Same prompt as v1')
  expect(list.text).not.toContain(planted)
  expect(parsePage(list.text).injected).toEqual([])
  const version = await get(`/workflows/${id}/versions/2`)
  expect(editsOn(version.text)).toEqual(sentences)
  const overview = await get(`/workflows/${id}`)
  expect(editsOn(overview.text)).toEqual([...sentences.slice(0, 3), 'and 1 more edit'])
})
