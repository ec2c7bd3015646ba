/** @module Workflows as people and AI send them: unambiguous input is parsed, the rest is rejected with its position. */
import { describe, expect, test } from 'vitest'
import { AppError } from '../../src/errors.ts'
import { readWorkflowMember, readWorkflowText } from '../../src/n8n/reading/workflow-text.ts'

const workflow = {
  name: 'W',
  nodes: [{ name: 'A', parameters: { code: 'a }\n``` {"x": [' } }],
  connections: {},
}
const json = JSON.stringify(workflow, null, 2)
const other = JSON.stringify({ nodes: [] })

function refusal(act: () => unknown): AppError {
  try {
    act()
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  throw new Error('was accepted')
}

describe('text', () => {
  test.each<[string, string, string | null]>([
    ['plain JSON', json, null],
    ['a fence', `\`\`\`json\n${json}\n\`\`\``, 'a code fence'],
    ['a fence without a language', `\`\`\`\n${json}\n\`\`\`\n`, 'a code fence'],
    ['a fence of tildes with CRLF', `~~~json\r\n${json}\r\n~~~`, 'a code fence'],
    ['an unclosed fence', `\`\`\`json\n${json}`, 'a code fence'],
    ['surrounding text', `Here is your workflow: ${json} Hope it helps`, 'text around the JSON'],
    [
      'a fence with text around it',
      `Sure! It reads {{ $json.email }} and [this](link).\n\n\`\`\`json\n${json}\n\`\`\`\nUse {"key": …} as you like.`,
      'a code fence, text around the JSON',
    ],
    ['another JSON value next to it', `Credentials: {"user":"x"}\n${json}`, 'text around the JSON'],
    ['a byte order mark', `\ufeff${json}`, 'a byte order mark'],
    ['a JSON string', JSON.stringify(json), 'JSON string quotes'],
    ['an array of one', `[${json}]`, 'the wrapper (/0)'],
    ['an export', JSON.stringify({ data: [workflow] }), 'the wrapper (/data/0)'],
    [
      'the response of a template site',
      JSON.stringify({ workflow: { workflow } }),
      'the wrapper (/workflow/workflow)',
    ],
  ])('in %s is parsed', (_, text, removed) => {
    const { workflow: read, findings } = readWorkflowText(text)
    expect(read).toEqual(workflow)
    expect(findings).toEqual(
      removed === null
        ? []
        : [
            {
              code: 'unwrapped-json',
              level: 'hint',
              pointer: '',
              message: `Removed from the input: ${removed}`,
            },
          ],
    )
  })

  test.each<[string, string, string]>([
    ['no JSON', 'Here is your workflow', 'Not JSON at line 1, column 1'],
    [
      'a trailing comma',
      `Here:\n{"nodes": [],\n}`,
      'Not JSON at line 3, column 1: remove the trailing comma',
    ],
    [
      'a comment',
      '```json\n{"nodes": [] /* none */}\n```',
      'Not JSON at line 2, column 14: remove the comment',
    ],
    [
      'smart quotes',
      '{“nodes”: []}',
      'Not JSON at line 1, column 2: replace the typographic quotes with straight ones',
    ],
    ['half a workflow', `Here: {"workflow": ${other}`, 'Not JSON: it ends too early'],
    [
      'a broken workflow that contains a complete one',
      `x {"nodes": [], "sub": ${other},} y`,
      'remove the trailing comma',
    ],
    ['a broken workflow next to a complete one', `{"nodes": [],} ${other}`, 'remove the trailing comma'],
    ['two', `First ${other} then ${other}`, 'The text contains several workflows'],
    ['two in an array', `[${other},${other}]`, 'contains 2 workflows'],
    ['other JSON', '{"a": 1}', 'is not a workflow'],
    ['other JSON in text', 'x {"a": 1} y', 'Not JSON at line 1, column 1'],
  ])('with %s is rejected', (_, text, detail) => {
    const error = refusal(() => readWorkflowText(text))
    expect(error.code).toBe('invalid-workflow')
    expect(error.message).toContain(detail)
  })

  test('lists the numbers that are stored with another value', () => {
    const text =
      '```\n[{"nodes":[{"name":"Telegram","parameters":{"chatId":12345678901234567890,"max":1e400}}]}]\n```'
    const { workflow: read, findings } = readWorkflowText(text)
    expect(read).toEqual({
      nodes: [{ name: 'Telegram', parameters: { chatId: 12345678901234567000, max: '1e400' } }],
    })
    expect(findings.slice(1)).toEqual([
      {
        code: 'inexact-number',
        level: 'warning',
        pointer: '/nodes/0/parameters/chatId',
        node: 'Telegram',
        message: expect.stringMatching(/12345678901234567890 .*stored as 12345678901234567000/),
      },
      {
        code: 'inexact-number',
        level: 'warning',
        pointer: '/nodes/0/parameters/max',
        node: 'Telegram',
        message: expect.stringContaining('stored as the string "1e400"'),
      },
    ])
  })

  test('is searched in linear time', () => {
    const braces = '{"'.repeat(100_000)
    expect(refusal(() => readWorkflowText(braces)).message).toContain('Not JSON')
    const broken = '{"a"} '.repeat(100_000)
    expect(refusal(() => readWorkflowText(broken)).message).toContain('Not JSON')
  })
})

describe('the workflow member of a body', () => {
  const read = (member: unknown) => readWorkflowMember(member, JSON.stringify({ workflow: member }))

  test.each<[string, unknown, string | null]>([
    ['itself', workflow, null],
    ['wrapped in data', { data: workflow }, 'the wrapper (/data)'],
    ['an array of one', [workflow], 'the wrapper (/0)'],
    ['text', json, 'JSON string quotes'],
    ['a fence', `\`\`\`\n${json}\n\`\`\``, 'a code fence'],
  ])('is parsed: %s', (_, member, removed) => {
    const { workflow: found, findings } = read(member)
    expect(found).toEqual(workflow)
    expect(findings.map(({ message }) => message)).toEqual(
      removed === null ? [] : [`Removed from the input: ${removed}`],
    )
  })

  test('with nodes is a workflow, even with other members', () => {
    const odd = { nodes: [], data: { nodes: [1] } }
    expect(read(odd)).toEqual({ workflow: odd, findings: [] })
  })

  test('has its numbers checked only below its wrapper', () => {
    const body = '{"prompt":12345678901234567890,"workflow":{"data":{"nodes":[],"x":12345678901234567890}}}'
    const { findings } = readWorkflowMember((JSON.parse(body) as { workflow: unknown }).workflow, body)
    expect(findings.map(({ code, pointer }) => [code, pointer])).toEqual([
      ['unwrapped-json', ''],
      ['inexact-number', '/x'],
    ])
  })

  test('is rejected with a pointer into the body', () => {
    expect(refusal(() => read([workflow, { a: 1 }])).errors).toEqual([
      { pointer: '/workflow/1', detail: 'is not a workflow: it has no nodes' },
    ])
  })
})
