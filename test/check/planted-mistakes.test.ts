/** Mistakes planted in real workflows are found and fixed. Set FLOWKEEP_CORPUS to a folder with an index.json. */
import { seeded } from '../harness/random.ts'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { check } from '../../src/check/check.ts'
import { loadParser } from '../../src/check/code/parser.ts'
import { typesOf } from '../../src/check/types-of.ts'
import { checkCodes } from '../../src/check/codes.ts'
import { loadFacts } from '../../src/check/facts/load.ts'
import { fixWith } from '../../src/check/fix.ts'
import { isObject, type JsonObject } from '../../src/lib/json-object.ts'
import { plant, type Planted, plants } from './planted-mistakes.ts'

const folder = process.env['FLOWKEEP_CORPUS'] ?? ''
const isPresent = existsSync(path.join(folder, 'index.json'))
const perKind = Number(process.env['PLANTED_PER_KIND'] ?? 8)
const seed = Number(process.env['PLANTED_SEED'] ?? 1)
const tries = 400
const mostNodes = 40
/** With broken connections, the rules about the graph do not apply. */
const broken =
  /^(?:invalid-connection|connection-by-id|dangling-connection|duplicate-node-name|invalid-node|missing-node)/

const read = (file: string): unknown => JSON.parse(readFileSync(path.join(folder, file), 'utf8'))
const textOf = ({ code, pointer, message }: { code: string; pointer: string; message: string }) =>
  `${code} ${pointer} ${message}`

describe.skipIf(!isPresent)('planted mistakes (skipped without FLOWKEEP_CORPUS)', () => {
  const workflows: JsonObject[] = []

  beforeAll(async () => {
    await loadParser()
    for (const { file, valid } of read('index.json') as { file: string; valid: boolean }[]) {
      if (!valid) continue
      const json = read(file)
      if (!isObject(json) || !Array.isArray(json.nodes) || json.nodes.length > mostNodes) continue
      const findings = check(json, await loadFacts(typesOf(json)))
      for (const { code } of findings) expect(checkCodes).toContain(code)
      if (!findings.some(({ code }) => broken.test(code))) workflows.push(json)
    }
  })

  test('are found: all that n8n refuses, and 95% of the others; 90% of those with one answer are fixed', async () => {
    const random = seeded(seed)
    const count = { refused: 0, refusedFound: 0, accepted: 0, acceptedFound: 0, fixable: 0, fixed: 0 }
    const missed: string[] = []
    for (const kind of Object.keys(plants)) {
      for (let planted = 0, attempt = 0; planted < perKind && attempt < tries; attempt += 1) {
        const base = workflows[Math.floor(random() * workflows.length)] ?? {}
        const mistake = plant(kind, base, await loadFacts(typesOf(base)), random)
        if (!mistake) continue
        planted += 1
        const known = new Set(check(base, await loadFacts(typesOf(base))).map(textOf))
        const hits = async (json: JsonObject) =>
          check(json, await loadFacts(typesOf(json))).filter(
            (finding) => fits(finding, mistake) && !known.has(textOf(finding)),
          )
        const isFound = (await hits(mistake.workflow)).length > 0
        if (mistake.level === 1) count.refused += 1
        else count.accepted += 1
        if (isFound && mistake.level === 1) count.refusedFound += 1
        else if (isFound) count.acceptedFound += 1
        else missed.push(`${kind}: ${mistake.node} in ${String(base.name)}`)
        if (!mistake.fixable) continue
        count.fixable += 1
        const { workflow: fixed } = await fixWith(mistake.workflow, loadFacts)
        if ((await hits(fixed)).length === 0) count.fixed += 1
        expect(await fixWith(fixed, loadFacts)).toEqual({ workflow: fixed, applied: [] })
      }
    }
    console.info(JSON.stringify(count))
    expect(count.refused + count.accepted).toBeGreaterThan(300)
    expect(count.refusedFound, missed.join('\n')).toBe(count.refused)
    expect(count.acceptedFound / count.accepted, missed.join('\n')).toBeGreaterThanOrEqual(0.95)
    expect(count.fixed / count.fixable).toBeGreaterThanOrEqual(0.9)
  }, 600_000)
})

const fits = (finding: { code: string; node?: string | undefined }, { codes, node }: Planted): boolean =>
  codes.includes(finding.code) && (node === undefined || finding.node === node)
