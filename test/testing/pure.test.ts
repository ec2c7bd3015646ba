import { describe, expect, test } from 'vitest'
import { loadFacts } from '../../src/check/facts/load.ts'
import { shapeOf } from '../../src/executions/record/data-shape.ts'
import { captureValues } from '../../src/executions/values/capture.ts'
import type { N8nExecution } from '../../src/n8n/api/shapes.ts'
import { effectOf } from '../../src/testing/effects.ts'
import { compared } from '../../src/testing/replay.ts'
import { notRun } from '../../src/testing/result.ts'
import { sampleOf } from '../../src/testing/sample.ts'
import { triggerItem } from '../../src/testing/trigger-items.ts'

describe('the effect of a node', () => {
  const base = 'n8n-nodes-base.'
  const ai = '@n8n/n8n-nodes-langchain.'
  test.each([
    [`${base}set`, {}, 'none'],
    [`${base}httpRequest`, { url: 'https://example.com' }, 'reads'],
    [`${base}httpRequest`, { method: 'HEAD' }, 'reads'],
    [`${base}httpRequest`, { method: 'DELETE' }, 'writes'],
    [`${base}httpRequest`, { method: '={{ $json.method }}' }, 'writes'],
    [`${base}slack`, { resource: 'channel', operation: 'getAll' }, 'reads'],
    [`${base}slack`, { resource: 'message', operation: 'post' }, 'writes'],
    [`${base}slack`, { resource: 'message', operation: '={{ $json.op }}' }, 'writes'],
    [`${base}googleSheets`, { resource: 'sheet', operation: 'append' }, 'writes'],
    [`${base}postgres`, { operation: 'executeQuery' }, 'writes'],
    [`${base}postgres`, { operation: 'select' }, 'writes'],
    [`${base}code`, { jsCode: 'return items' }, 'none'],
    [`${base}code`, { jsCode: 'await this.helpers.httpRequest({ url })' }, 'writes'],
    [
      `${base}code`,
      { jsCode: "const body = '{}'\nfetch('https://example.com', { method: 'POST', body })" },
      'writes',
    ],
    [`${base}code`, { jsCode: 'if (x) {\n\tfetch(x)\n}' }, 'writes'],
    [`${base}executeWorkflow`, {}, 'calls'],
    [`${base}wait`, {}, 'waits'],
    [`${base}respondToWebhook`, {}, 'answers'],
    [`${base}executeCommand`, {}, 'unknown'],
    [`${base}slackTool`, { resource: 'message', operation: 'post' }, 'writes'],
    [`${base}slackHitlTool`, {}, 'waits'],
    [`${ai}agent`, {}, 'none'],
    [`${ai}toolWorkflow`, {}, 'calls'],
    [`${ai}toolCalculator`, {}, 'none'],
    [`${ai}vectorStorePinecone`, { mode: 'insert' }, 'writes'],
    [`${ai}vectorStorePinecone`, { mode: 'load' }, 'reads'],
    ['n8n-nodes-acme.widget', { operation: 'get' }, 'unknown'],
  ])('%s %j: %s', async (type, parameters, effect) => {
    expect(effectOf({ type, parameters }, await loadFacts([type]))).toBe(effect)
  })
})

describe('an item of a recorded shape', () => {
  test.each([
    { id: 1, name: 'Ada', tags: ['a', 'bc'], owner: { mail: '', age: null }, isNew: false },
    { 'a key': [[1]], nested: { list: [{ a: 1 }, { b: 'x' }] }, empty: {}, none: [] },
  ])('has its shape: %j', (json) => {
    const shape = shapeOf([{ json }, { json }])
    const sample = sampleOf(shape ?? '')
    expect(Object.keys(sample ?? {})).toEqual(Object.keys(json))
    const types = (text: string | null) => text?.replaceAll(/string\([^)]*\)/g, 'string').replaceAll('?', '')
    if (!('nested' in json)) expect(types(shapeOf([{ json: sample }]))).toBe(types(shape))
  })

  test.each(['', 'string(3)', '{ a: ', '{ a: number } }', '{ a: unknown }', `${'{ a: '.repeat(500)}number`])(
    'is null for %s',
    (shape) => {
      expect(sampleOf(shape)).toBeNull()
    },
  )
})

test('a replay does not compare nodes whose recorded values did not fit', () => {
  const run = { startTime: 1, executionTime: 1, source: [], data: { main: [[{ json: { id: 7 } }]] } }
  const execution = {
    data: { resultData: { runData: { Hook: [run], Last: [run] } } },
  } as unknown as N8nExecution
  const treated = { type: 'n8n-nodes-base.noOp', treatment: 'run', reason: null, source: null } as const
  const last = { ...notRun({ ...treated, name: 'Last' }, 'success'), runs: 1 }
  const [hook] = captureValues({ Hook: [run] }, 4096)?.nodes ?? []
  const differences = (omittedNodes: number) =>
    compared([last], execution, { trigger: 'Hook', nodes: hook ? [hook] : [], omittedNodes })[0]?.differences
  expect(differences(1)).toBeNull()
  expect(differences(0)).toEqual(['status'])
})

test('a scheduled trigger outputs its time in the formats of n8n', () => {
  const at = new Date('2026-05-02T15:04:05.000Z')
  expect(triggerItem({ type: 'n8n-nodes-base.scheduleTrigger' }, at)).toEqual({
    timestamp: '2026-05-02T15:04:05.000Z',
    'Readable date': 'May 2nd 2026, 3:04:05 pm',
    'Readable time': '3:04:05 pm',
    'Day of week': 'Saturday',
    Year: '2026',
    Month: 'May',
    'Day of month': '02',
    Hour: '15',
    Minute: '04',
    Second: '05',
    Timezone: 'UTC (UTC+00:00)',
  })
})
