/** @module The folder that `flowkeep export` writes and `flowkeep import` reads; docs/export.md describes it. */
import { createReadStream, existsSync } from 'node:fs'
import { open, readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import * as z from 'zod'

export const manifestName = 'flowkeep-export.json'
export const formatVersion = 1

export const Manifest = z.object({
  format: z.literal('flowkeep-export'),
  formatVersion: z.literal(formatVersion),
  flowkeepVersion: z.string(),
  exportedAt: z.iso.datetime(),
  server: z.string(),
  counts: z.object({
    workflows: z.int(),
    versions: z.int(),
    credentials: z.int(),
    instances: z.int(),
    deployments: z.int(),
    runs: z.int(),
  }),
})
export type Manifest = z.output<typeof Manifest>

/** Only the fields that import reads. Exports contain everything that the API returns. */
export const ArchivedCredential = z.object({ id: z.string(), type: z.string(), name: z.string() })
export const ArchivedInstance = z.object({ id: z.string(), name: z.string(), baseUrl: z.string() })
export const ArchivedWorkflow = z.object({
  id: z.string(),
  name: z.string(),
  version: z.int(),
  dataRetentionDays: z.int().nullable(),
  /** Absent in earlier exports. */
  requireReplay: z.boolean().default(false),
})
export const ArchivedVersion = z.object({
  version: z.int(),
  parent: z.int().nullable(),
  name: z.string(),
  description: z.string().nullable(),
  prompt: z.string().nullable(),
  model: z.string().nullable(),
  tags: z.array(z.string()),
  contentHash: z.string(),
  workflow: z.record(z.string(), z.unknown()),
})
export type ArchivedVersion = z.output<typeof ArchivedVersion>

const ArchivedBinding = z.object({
  node: z.string(),
  type: z.string(),
  credentialId: z.string().optional(),
  n8nCredentialId: z.string().optional(),
})
export const ArchivedDeployment = z.object({
  id: z.string(),
  workflowId: z.string(),
  instanceId: z.string(),
  n8nWorkflowId: z.string().nullable(),
  bindings: z.array(ArchivedBinding),
  history: z.array(z.object({ version: z.int(), createdAt: z.iso.datetime() })),
})
export type ArchivedDeployment = z.output<typeof ArchivedDeployment>

export const ArchivedRun = z.object({
  n8nExecutionId: z.string(),
  deploymentId: z.string(),
  instanceId: z.string(),
  status: z.string(),
  mode: z.string().nullable(),
  n8nRetryOf: z.string().nullable(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  waited: z.boolean(),
  error: z.object({ message: z.string(), node: z.string().nullable() }).nullable(),
})
export type ArchivedRun = z.output<typeof ArchivedRun>

export const files = {
  credentials: 'credentials.json',
  instances: 'instances.json',
  workflows: 'workflows',
  workflow: 'workflow.json',
  deployments: 'deployments',
  runs: 'runs.ndjson',
} as const

export const isArchive = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => null))?.isDirectory() === true && existsSync(join(path, manifestName))

/** A readable folder name with the ID, which makes it unique. */
export const workflowFolder = ({ id, name }: { id: string; name: string }): string => {
  const words = name
    .normalize('NFKD')
    .replaceAll(/\p{M}+/gu, '')
    .toLowerCase()
    .match(/[a-z0-9]+/g)
  return [...(words ?? []).join('-').slice(0, 60).split('-').filter(Boolean), id].join('-')
}

export const versionFile = (version: number): string => `v${String(version).padStart(4, '0')}.json`

/** @throws {Error} with the path, when the file is missing, is invalid JSON or is not part of an export */
export async function readArchived<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  let value: unknown
  try {
    value = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw new Error(`${path} ${error instanceof SyntaxError ? 'is not valid JSON' : 'cannot be read'}`, {
      cause: error,
    })
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  if (issue?.path[0] === 'formatVersion') {
    throw new Error(`${path} has an unsupported format version. Upgrade Flowkeep to import it.`)
  }
  throw new Error(`${path} is not part of an export: ${issue?.path.join('.')} ${issue?.message}`)
}

export const readNames = async (folder: string): Promise<string[]> =>
  existsSync(folder) ? (await readdir(folder)).toSorted() : []

export const forwardLines = (path: string): AsyncIterable<string> =>
  createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY })

const blockBytes = 64 * 1024
const newline = 0x0a

/** The lines of a file from last to first. Keeps only one block and one line in memory. */
export async function* backwardLines(path: string): AsyncGenerator<string> {
  const file = await open(path)
  try {
    let end = (await file.stat()).size
    let rest = Buffer.alloc(0)
    while (end > 0) {
      const start = Math.max(0, end - blockBytes)
      const block = Buffer.alloc(end - start)
      await file.read(block, 0, block.length, start)
      const text = Buffer.concat([block, rest])
      let lineEnd = text.length
      for (let index = text.lastIndexOf(newline); index !== -1; ) {
        const line = text.toString('utf8', index + 1, lineEnd)
        if (line !== '') yield line
        lineEnd = index
        index = index === 0 ? -1 : text.lastIndexOf(newline, index - 1)
      }
      rest = text.subarray(0, lineEnd)
      end = start
    }
    if (rest.length > 0) yield rest.toString('utf8')
  } finally {
    await file.close()
  }
}
