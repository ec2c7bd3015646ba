/** @module What saving and checking a workflow costs besides the database, relative to `JSON.parse` of the same texts. */
import { demoWorkflows } from '../../demo/large/flows.ts'
import { flowsOf } from '../../demo/large/workflow.ts'
import { checkWorkflow } from '../../src/check/run.ts'
import { sha256Hex } from '../../src/lib/encoding.ts'
import type { JsonObject } from '../../src/lib/json-object.ts'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import { extractMetadata } from '../../src/n8n/reading/metadata.ts'
import { parseWorkflow } from '../../src/n8n/reading/workflow-json.ts'
import { type Spread, spreadOf } from './rounds.ts'

export interface TextCosts {
  texts: number
  bytes: number
  /** `JSON.parse` of all texts, in milliseconds. */
  parseMs: number
  /** Over `JSON.parse`. */
  save: Spread
  check: Spread
}

export async function measureTexts(rounds: number): Promise<TextCosts> {
  const texts = demoWorkflows.flatMap((workflow) =>
    flowsOf(workflow).map((flow) => JSON.stringify(flow.json(workflow.name, (type) => `Demo ${type}`))),
  )
  const catalogue = await loadCatalogue()
  const work: Record<'parse' | 'save' | 'check', (text: string) => unknown> = {
    parse: (text) => JSON.parse(text),
    save: (text) => {
      const { workflow, canonical } = parseWorkflow(JSON.parse(text))
      extractMetadata(workflow, catalogue)
      return sha256Hex(canonical)
    },
    check: (text) => checkWorkflow(JSON.parse(text) as JsonObject),
  }
  /** Milliseconds of CPU time of this thread, for all texts. */
  const take = async (each: (text: string) => unknown, times: number) => {
    const before = process.threadCpuUsage()
    for (let time = 0; time < times; time += 1) for (const text of texts) await each(text)
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 1000 / times
  }
  const taken = { parse: [] as number[], save: [] as number[], check: [] as number[] }
  for (const each of Object.values(work)) await take(each, 3)
  for (let round = 0; round < rounds; round += 1) {
    taken.parse.push(await take(work.parse, 20))
    taken.save.push(await take(work.save, 5))
    taken.check.push(await take(work.check, 2))
  }
  const over = (each: number[]) =>
    spreadOf(each.map((value, round) => value / (taken.parse[round] ?? Number.NaN)))
  return {
    texts: texts.length,
    bytes: texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0),
    parseMs: spreadOf(taken.parse).median,
    save: over(taken.save),
    check: over(taken.check),
  }
}
