/** @module `flowkeep export`: writes a user's data without secrets to a new folder for `flowkeep import`. */
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import * as z from 'zod'
import { files, formatVersion, type Manifest, manifestName, versionFile, workflowFolder } from './archive.ts'
import type { CommandInput } from '../command.ts'
import { packageVersion } from '../package-root.ts'
import { realSignInIo, type Session, signIn, type SignInIo } from './session.ts'
import { jsonResult, message, plural, progress, result } from '../terminal.ts'
import { serverUrlOf } from '../variables.ts'

export interface ExportIo extends SignInIo {
  progress: ((line: string) => void) | null
}

const parallelRequests = 4

const Listed = z.looseObject({ id: z.string() })
const ListedWorkflow = z.looseObject({ id: z.string(), name: z.string(), version: z.int() })
const Versions = z.looseObject({ version: z.int() })

/**
 * Writes to a temporary folder next to `folder` and moves it into place when complete, so that no export is partial.
 * @throws {Error} before writing anything, when `folder` exists and is not empty
 */
export async function exportAccount(
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
  io: ExportIo,
): Promise<Manifest> {
  const target = resolve(folder)
  await refuseExisting(target, folder)
  const session = await signIn(env, io)
  try {
    await mkdir(dirname(target), { recursive: true })
    const partial = await mkdtemp(join(dirname(target), `.${basename(target)}-incomplete-`))
    try {
      const manifest = await writeAll(partial, serverUrlOf(env), session, io)
      // Fails if `folder` has been created in the meantime, unless it is empty.
      await rmdir(target).catch(() => undefined)
      await rename(partial, target)
      return manifest
    } catch (error) {
      await rm(partial, { recursive: true, force: true })
      throw error
    }
  } finally {
    io.progress?.('')
    await session.signOut()
  }
}

async function refuseExisting(target: string, folder: string): Promise<void> {
  const entries = await readdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw new Error(
      error.code === 'ENOTDIR'
        ? `${folder} is not a folder. Choose a new folder.`
        : `Cannot write to ${folder} (${error.code}). Choose a folder that you can write to.`,
    )
  })
  if (entries.length > 0) throw new Error(`${folder} exists and is not empty. Choose a new folder.`)
}

async function writeAll(folder: string, server: string, session: Session, io: ExportIo): Promise<Manifest> {
  const credentials = await all(session, '/v1/credentials', ({ id, type, name }) => ({ id, type, name }))
  await writeJson(join(folder, files.credentials), credentials)
  const instances = await all(session, '/v1/instances', ({ id, name, baseUrl, createdAt }) => ({
    id,
    name,
    baseUrl,
    createdAt,
  }))
  await writeJson(join(folder, files.instances), instances)
  const { workflows, versions } = await writeWorkflows(join(folder, files.workflows), session, io)
  const deployments = await writeDeployments(join(folder, files.deployments), session)
  const runs = await writeRuns(join(folder, files.runs), session, io)
  const manifest: Manifest = {
    format: 'flowkeep-export',
    formatVersion,
    flowkeepVersion: packageVersion(),
    exportedAt: new Date().toISOString(),
    server,
    counts: {
      workflows,
      versions,
      deployments,
      runs,
      credentials: credentials.length,
      instances: instances.length,
    },
  }
  await writeJson(join(folder, manifestName), manifest)
  return manifest
}

async function all<T>(
  session: Session,
  path: string,
  pick: (item: Record<string, unknown>) => T,
): Promise<T[]> {
  const values: T[] = []
  for await (const items of session.pages(path)) values.push(...items.map((item) => pick(Listed.parse(item))))
  return values
}

async function writeWorkflows(folder: string, session: Session, { progress }: ExportIo) {
  await mkdir(folder)
  const counts = { workflows: 0, versions: 0 }
  for await (const items of session.pages('/v1/workflows')) {
    await inParallel(
      items.map((item) => ListedWorkflow.parse(item)),
      async (workflow) => {
        const own = join(folder, workflowFolder(workflow))
        await mkdir(own)
        await writeJson(join(own, files.workflow), workflow)
        for await (const listed of session.pages(`/v1/workflows/${workflow.id}/versions`)) {
          for (const { version } of listed.map((each) => Versions.parse(each))) {
            const content = await session.get(`/v1/workflows/${workflow.id}/versions/${version}`)
            await writeJson(join(own, versionFile(version)), content)
            counts.versions += 1
          }
        }
        counts.workflows += 1
        progress?.(`${plural(counts.workflows, 'workflow')}, ${plural(counts.versions, 'version')}`)
      },
    )
  }
  return counts
}

async function writeDeployments(folder: string, session: Session): Promise<number> {
  await mkdir(folder)
  let count = 0
  for await (const items of session.pages('/v1/deployments')) {
    await inParallel(
      items.map((item) => Listed.parse(item)),
      async (deployment) => {
        const history = []
        for await (const changes of session.pages(`/v1/deployments/${deployment.id}/versions`)) {
          history.push(...changes)
        }
        await writeJson(join(folder, `${deployment.id}.json`), {
          ...deployment,
          history: history.toReversed(),
        })
        count += 1
      },
    )
  }
  return count
}

/** Streams them as the server sends them, newest first. @returns the number written */
async function writeRuns(path: string, session: Session, { progress }: ExportIo): Promise<number> {
  let count = 0
  const counting = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      for (const byte of chunk) if (byte === 0x0a) count += 1
      progress?.(plural(count, 'run'))
      done(null, chunk)
    },
  })
  const body = await session.download('/v1/executions/export?format=ndjson')
  await pipeline(
    Readable.fromWeb(body as import('node:stream/web').ReadableStream),
    counting,
    createWriteStream(path),
  )
  return count
}

async function inParallel<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const worker = async () => {
    for (const item of queue) await work(item)
  }
  await Promise.all(Array.from({ length: parallelRequests }, worker))
}

const writeJson = (path: string, value: unknown): Promise<void> =>
  writeFile(path, `${JSON.stringify(value, null, 2)}\n`, { flag: 'wx' })

/** The command. */
export async function exportCommand({ positionals, flags }: CommandInput): Promise<void> {
  const [folder = ''] = positionals
  const { counts } = await exportAccount(folder, process.env, { ...realSignInIo, progress })
  if (flags.has('json')) return jsonResult({ folder: resolve(folder), ...counts })
  const { workflows, versions, deployments, runs } = counts
  result(
    `${plural(workflows, 'workflow')} with ${plural(versions, 'version')}, ` +
      `${plural(deployments, 'deployment')}, ${plural(runs, 'run')}`,
  )
  if (counts.credentials > 0) {
    message(`Credentials listed by name and type, without their values: ${counts.credentials}.`)
  }
}
