/** `flowkeep check` on files, without a server. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { checkCommand } from '../../src/cli/check/command.ts'
import { exitCode } from '../../src/cli/command.ts'
import { UsageError } from '../../src/cli/failure.ts'

let folder: string
let stdout: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flowkeep-check-'))
  stdout = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text)
    return true
  })
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(folder, { recursive: true, force: true })
})

const trigger = {
  id: 'a',
  name: 'Start',
  type: 'n8n-nodes-base.manualTrigger',
  typeVersion: 1,
  position: [0, 0],
  parameters: {},
}
const request = (url: unknown) => ({
  id: 'b',
  name: 'Fetch',
  type: 'n8n-nodes-base.httpRequest',
  typeVersion: 4.2,
  position: [200, 0],
  parameters: { url, options: {} },
})
const flow = (second: object) => ({
  name: 'Sample',
  nodes: [
    { ...trigger, type: 'n8n-nodes-base.scheduleTrigger', typeVersion: 1.2, parameters: daily },
    second,
  ],
  connections: { Start: { main: [[{ node: 'Fetch', type: 'main', index: 0 }]] } },
  settings: {},
})
const daily = { rule: { interval: [{ field: 'days' }] } }
const good = flow(request('https://example.com'))
const withoutUrl = flow(request(''))
const withoutEquals = flow(request('https://example.com/{{ $now.toISODate() }}'))

async function saved(name: string, value: unknown, indent: string | number = 2): Promise<string> {
  const file = join(folder, name)
  await writeFile(file, typeof value === 'string' ? value : `${JSON.stringify(value, null, indent)}\n`)
  return file
}
const run = (positionals: string[], flags: string[] = [], values: Record<string, string> = {}) =>
  checkCommand({ positionals, flags: new Set(flags), values })
const report = () =>
  JSON.parse(stdout) as {
    files: { file: string; findings: { code: string; line: number; column: number }[]; fixed: string[] }[]
  }

describe('flowkeep check', () => {
  test('finds nothing in a workflow that works', async () => {
    expect(await run([await saved('good.json', good)])).toBe(exitCode.success)
    expect(stdout).toBe('')
  })

  test('fails on an error and prints its line', async () => {
    const file = await saved('bad.json', withoutUrl)
    expect(await run([file])).toBe(exitCode.failure)
    const line = (await readFile(file, 'utf8')).split('\n').findIndex((each) => each.includes('"url"')) + 1
    expect(stdout).toMatch(new RegExp(`\\b${line}:\\d+ +error +Fetch: `))
  })

  test('checks all workflows of a folder', async () => {
    await saved('good.json', good)
    await saved('bad.json', [withoutUrl, good])
    expect(await run([folder], ['json'])).toBe(exitCode.failure)
    expect(report().files.map(({ findings }) => findings.length > 0)).toEqual([true, false])
  })

  test.each([
    ['error', exitCode.success],
    ['warning', exitCode.failure],
    ['never', exitCode.success],
  ])('--fail-on %s exits with %i on a warning', async (limit, code) => {
    expect(await run([await saved('a.json', withoutEquals)], ['json'], { 'fail-on': limit })).toBe(code)
  })

  test('--fix repairs the file with its indentation, and a second run changes nothing', async () => {
    const file = await saved('a.json', withoutEquals, '\t')
    expect(await run([file], ['fix', 'json'])).toBe(exitCode.success)
    expect(report().files[0]?.fixed).toHaveLength(1)
    const text = await readFile(file, 'utf8')
    expect(text).toBe(
      `${JSON.stringify(flow(request('=https://example.com/{{ $now.toISODate() }}')), null, '\t')}\n`,
    )
    stdout = ''
    await run([file], ['fix', 'json'])
    expect(report().files[0]).toMatchObject({ findings: [], fixed: [] })
    expect(await readFile(file, 'utf8')).toBe(text)
  })

  test('locates findings in a response of an LLM, and does not rewrite it', async () => {
    const text = `Here it is:\n\n\`\`\`json\n${JSON.stringify(withoutUrl, null, 2)}\n\`\`\`\n`
    const file = await saved('answer.json', text)
    await run([file], ['fix', 'json'])
    const [finding] = report().files[0]?.findings ?? []
    expect(text.split('\n')[(finding?.line ?? 0) - 1]).toContain('"url"')
    expect(await readFile(file, 'utf8')).toBe(text)
  })

  test('prints SARIF with one rule per code', async () => {
    const file = await saved('bad one.json', withoutUrl)
    await run([file], ['sarif'])
    const { runs } = JSON.parse(stdout)
    const [{ tool, results }] = runs
    expect(tool.driver.rules).toEqual([{ id: results[0].ruleId }])
    expect(results[0]).toMatchObject({ level: 'error', ruleIndex: 0 })
    expect(results[0].locations[0].physicalLocation.artifactLocation.uri).toMatch(/bad%20one\.json$/)
  })

  test.each(['not JSON', '{"a":1}', ''])('reports %j as an unreadable file', async (text) => {
    expect(await run([await saved('x.json', text)], ['json'])).toBe(exitCode.failure)
    expect(report().files[0]?.findings).toMatchObject([{ code: 'invalid-workflow', line: 1 }])
  })

  test('checks for an older n8n', async () => {
    const file = await saved('a.json', good)
    expect(await run([file], ['json'], { 'n8n-version': '2.0' })).toBe(exitCode.success)
  })

  test.each([
    [{ 'n8n-version': 'latest' }, /--n8n-version/],
    [{ 'fail-on': 'fatal' }, /--fail-on/],
  ])('rejects the options %j', async (values, message) => {
    await expect(run([folder], [], values)).rejects.toThrow(UsageError)
    await expect(run([folder], [], values)).rejects.toThrow(message)
  })
})
