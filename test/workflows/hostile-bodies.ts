/** @module Workflows of up to 2 MB that are designed to be as expensive as possible. */
import { MAX_WORKFLOW_BYTES } from '../../src/n8n/reading/workflow-json.ts'

/** `item(0),item(1),…` of at most `chars` characters. */
function repeated(item: (index: number) => string, chars: number): string {
  const parts: string[] = []
  let length = 0
  for (let index = 0; ; index += 1) {
    const part = item(index)
    length += part.length + 1
    if (length > chars) return parts.join(',')
    parts.push(part)
  }
}

const filled = (before: string, after: string, item: (index: number) => string): string =>
  before + repeated(item, MAX_WORKFLOW_BYTES - before.length - after.length) + after

const long = 'n'.repeat(1_000_000)
const parameters = '{"nodes":[{"name":"A","type":"n8n-nodes-base.set","parameters":'

/** Name → the text of a body. */
export const hostileBodies: Record<string, () => string> = {
  'empty nodes': () => filled('{"nodes":[', ']}', () => '{}'),
  'nodes with one id': () => filled('{"nodes":[', ']}', () => '{"id":"a","name":"a"}'),
  'empty arrays': () => filled(`${parameters}{"x":[`, ']}}]}', () => '[]'),
  'empty objects': () => filled(`${parameters}{"x":[`, ']}}]}', () => '{}'),
  'numbers in an array': () => filled(`${parameters}{"x":[`, ']}}]}', () => '1'),
  'many keys': () => filled(`${parameters}{`, '}}]}', (index) => `"${index.toString(36)}":1`),
  'many keys below a long one': () =>
    filled(`${parameters}{"${long}":{`, '}}}]}', (index) => `"${index.toString(36)}":1`),
  'arrays in arrays': () => filled(`${parameters}{"x":[`, ']}}]}', () => '['.repeat(80) + ']'.repeat(80)),
  'long keys in each other': () => {
    const key = `"${'k'.repeat(20_000)}":`
    return `${parameters}${`{${key}`.repeat(90)}[1,2]${'}'.repeat(90)}}]}`
  },
  'connections of a node with a long name': () =>
    filled(
      `{"nodes":[{"name":"${long}"}],"connections":{"${long.slice(0, 900_000)}":{"main":[[`,
      ']]}}}',
      () => '{"node":"b"}',
    ),
  'connections of one slot': () =>
    filled(
      '{"nodes":[{"name":"a"}],"connections":{"a":{"main":[[',
      ']]}}}',
      (index) => `{"node":"a","index":${index}}`,
    ),
  'connections of one node, within the values': () =>
    `{"nodes":[{"name":"a"}],"connections":{"a":{"main":[[${Array(20_001).fill('{"node":"a"}').join(',')}]]}}}`,
  'empty outputs': () => filled('{"nodes":[{"name":"a"}],"connections":{"a":{"main":[', ']}}}', () => '[]'),
  'keys that hold dots': () =>
    `${parameters}${'{"a":1,"a.a":1,"a.a.a":{"a":1},"b":'.repeat(90)}1${'}'.repeat(90)}}]}`,
  'one long text': () => filled(`${parameters}{"x":"`, '"}}]}', () => 'x'.repeat(1000)),
}
