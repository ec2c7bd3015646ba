/** @module The workflows of the folder `FLOWKEEP_CORPUS`. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { isObject, type JsonObject } from '../../src/lib/json-object.ts'
import { unwrapWorkflowFile } from '../../src/n8n/reading/workflow-json.ts'
import type { SampleNode } from './mutations.ts'

export const corpusFolder = process.env.FLOWKEEP_CORPUS ?? ''

/** File name and workflow; empty without the folder. */
export function corpusWorkflows(): [file: string, workflow: JsonObject][] {
  if (!existsSync(corpusFolder)) return []
  return readdirSync(corpusFolder)
    .filter((file) => file.endsWith('.json') && file !== 'index.json')
    .flatMap((file): [string, JsonObject][] => {
      try {
        const found = unwrapWorkflowFile(JSON.parse(readFileSync(path.join(corpusFolder, file), 'utf8')))
        return (found as JsonObject[]).map((workflow) => [file, workflow])
      } catch {
        return []
      }
    })
}

export const isSampleNode = (node: unknown): node is SampleNode =>
  isObject(node) && typeof node.type === 'string' && isObject(node.parameters)
