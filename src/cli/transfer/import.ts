/** @module `flowkeep import`: saves every workflow in the given files and folders. A second run creates nothing. */
import path from 'node:path'
import * as z from 'zod'
import { AppError } from '../../errors.ts'
import { checkWorkflow } from '../../check/run.ts'
import { type CheckSummary, summarizeCheck } from '../../check/summary.ts'
import { inexactNumbers } from '../../lib/json-text.ts'
import { sha256Hex } from '../../lib/encoding.ts'
import { parseWorkflow } from '../../n8n/reading/workflow-json.ts'
import type { JsonObject } from '../../lib/json-object.ts'
import { workflowsInText } from '../../n8n/reading/workflow-text.ts'
import { findFiles, readText } from '../files.ts'
import { isArchive } from './archive.ts'
import { type CommandInput, exitCode, printable } from '../command.ts'
import { UsageError } from '../failure.ts'
import { importArchive } from './import-archive.ts'
import { isRefusal, realSignInIo, type Session, signIn, type SignInIo } from './session.ts'
import { bar, jsonResult, message, plural, progress, result } from '../terminal.ts'

export interface ImportIo extends SignInIo {
  /** For people, in addition to the result. */
  message: (line: string) => void
  /** Overwrites the previous line. Null without a terminal. */
  progress: ((line: string) => void) | null
}

export interface ImportOutcome {
  exitCode: number
  /** One line for people. */
  summary: string
  /** The same for scripts. */
  result: object
}

const parallelRequests = 4

type Outcome =
  | { kind: 'created'; check: CheckSummary }
  | { kind: 'present' | 'repeated' }
  | { kind: 'refused'; reason: string }

const Known = z.object({ contentHash: z.string() })

/**
 * Imports workflow files or exported folders.
 * @throws {RequestRefused} when the server is unreachable or rejects the sign-in
 */
export async function importWorkflows(
  paths: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  io: ImportIo,
  options: { renewWebhookTokens?: boolean } = {},
): Promise<ImportOutcome> {
  const archives = []
  for (const each of paths) if (await isArchive(each)) archives.push(each)
  const [archive] = archives
  if (archive !== undefined) {
    if (paths.length > 1) throw new UsageError('Import one exported folder at a time, without other files.')
    return withSession(env, io, (session) => importArchive(archive, session, io, options))
  }
  const { files, notFound } = await findFiles(paths)
  for (const name of notFound) io.message(`${printable(name)}: no such file or folder`)
  if (files.length === 0) throw new Error('No .json files found.')
  return withSession(env, io, (session) => importFiles(files, notFound, session, io))
}

async function withSession<T>(
  env: Readonly<Record<string, string | undefined>>,
  io: SignInIo,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await signIn(env, io)
  try {
    return await work(session)
  } finally {
    await session.signOut()
  }
}

async function importFiles(
  files: string[],
  notFound: string[],
  session: Session,
  io: ImportIo,
): Promise<ImportOutcome> {
  const known = await knownHashes(session)
  const counts = { created: 0, present: 0, repeated: 0, refused: 0 }
  const refused = notFound.map((file) => ({ file, reason: 'no such file or folder' }))
  const checks: CheckedFile[] = []
  const importer = new Importer(session, known)
  const queue = files.values()
  let done = 0
  const work = async () => {
    for (const file of queue) {
      for (const { label, outcome } of await importer.importFile(file)) {
        counts[outcome.kind] += 1
        if (outcome.kind === 'created') {
          const checked = { file: label, ...outcome.check }
          checks.push(checked)
          const line = findingsLine(checked)
          if (line === null) continue
          io.progress?.('')
          io.message(line)
        }
        if (outcome.kind !== 'refused') continue
        refused.push({ file: label, reason: outcome.reason })
        io.progress?.('')
        io.message(`${printable(label)}: ${printable(outcome.reason)}`)
      }
      done += 1
      io.progress?.(bar(done, files.length))
    }
  }
  try {
    await Promise.all(Array.from({ length: parallelRequests }, work))
  } finally {
    io.progress?.('')
  }
  const { created, present, repeated } = counts
  const same = repeated > 0 ? `, ${repeated} identical to another file` : ''
  const isComplete = refused.length === 0
  const isEmpty = created + present === 0
  return {
    exitCode: isComplete ? exitCode.success : isEmpty ? exitCode.failure : exitCode.partial,
    summary: `${created} created, ${present} already existed${same}, ${counts.refused} rejected${findingsTotal(checks)}`,
    result: { created, alreadyThere: present, sameAsAnotherFile: repeated, refused, checks },
  }
}

type CheckedFile = { file: string } & CheckSummary

/** The errors and warnings of one workflow, with the worst one; null if there are none. */
function findingsLine({ file, counts: { error, warning }, worst: [first] }: CheckedFile): string | null {
  if (error + warning === 0 || !first) return null
  const node = first.node === undefined ? '' : `${first.node}: `
  const more = error + warning > 1 ? 'such as ' : ''
  return printable(`${file}: ${countsText(error, warning)}, ${more}${node}${first.message}`)
}

function findingsTotal(checks: readonly CheckedFile[]): string {
  const total = (level: 'error' | 'warning') => checks.reduce((sum, { counts }) => sum + counts[level], 0)
  const [error, warning] = [total('error'), total('warning')]
  if (error + warning === 0) return ''
  const affected = checks.filter(({ counts }) => counts.error + counts.warning > 0).length
  return `. The check found ${countsText(error, warning)} in ${plural(affected, 'workflow')}`
}

const countsText = (errors: number, warnings: number): string =>
  [errors > 0 && plural(errors, 'error'), warnings > 0 && plural(warnings, 'warning')]
    .filter(Boolean)
    .join(' and ')

class Importer {
  readonly #session: Session
  readonly #known: Set<string>
  /** Content hashes seen in this run, so that equal files create one workflow. */
  readonly #met = new Map<string, Promise<Outcome>>()
  /** Unique to this run, so that a workflow deleted since an earlier run is created again. */
  readonly #run = crypto.randomUUID()

  constructor(session: Session, known: Set<string>) {
    this.#session = session
    this.#known = known
  }

  /** One outcome per workflow in the file, or one for a file without workflows. */
  async importFile(file: string): Promise<{ label: string; outcome: Outcome }[]> {
    const read = await readWorkflows(file)
    if (typeof read === 'string') return [{ label: file, outcome: { kind: 'refused', reason: read } }]
    const outcomes: { label: string; outcome: Outcome }[] = []
    for (const [index, workflow] of read.entries()) {
      const label = read.length === 1 ? file : `${file} [${index}]`
      const fallback = path.basename(file, '.json') + (read.length === 1 ? '' : ` ${index + 1}`)
      outcomes.push({ label, outcome: await this.#importOne(workflow, fallback) })
    }
    return outcomes
  }

  async #importOne({ value, text }: FileWorkflow, fallbackName: string): Promise<Outcome> {
    let parsed: ReturnType<typeof parseWorkflow>
    let hash: string
    try {
      parsed = parseWorkflow(value)
      hash = await sha256Hex(parsed.canonical)
    } catch (error) {
      return { kind: 'refused', reason: reasonOf(error) }
    }
    const earlier = this.#met.get(hash)
    if (earlier) {
      const outcome = await earlier
      return outcome.kind === 'created' ? { kind: 'repeated' } : outcome
    }
    const { name } = parsed
    const named = name !== null && name.trim() !== ''
    const body = {
      workflow: text ?? value,
      ...(!named && { name: Array.from(fallbackName).slice(0, 100).join('') }),
    }
    const outcome = this.#known.has(hash)
      ? Promise.resolve({ kind: 'present' } as const)
      : this.#create(body, hash, parsed.workflow)
    this.#met.set(hash, outcome)
    return outcome
  }

  async #create(body: object, hash: string, workflow: JsonObject): Promise<Outcome> {
    try {
      await this.#session.post('/v1/workflows', body, `import-${this.#run}-${hash}`)
      return { kind: 'created', check: summarizeCheck(await checkWorkflow(workflow)) }
    } catch (error) {
      // Any other error would affect every file.
      if (!isRefusal(error)) throw error
      return { kind: 'refused', reason: error.message }
    }
  }
}

interface FileWorkflow {
  value: unknown
  /** Sent instead of `value` if the text contains numbers that JavaScript cannot represent. */
  text: string | null
}

/** The workflows in a file, or why there are none. */
async function readWorkflows(file: string): Promise<FileWorkflow[] | string> {
  const read = await readText(file)
  if ('fault' in read) return read.fault
  const { text } = read
  try {
    const { workflows, source } = workflowsInText(text)
    const isTold = workflows.length === 1 && inexactNumbers(source, 1).length > 0
    return workflows.map(({ value }) => ({ value, text: isTold ? source : null }))
  } catch (error) {
    return reasonOf(error).replace(/^Not JSON/, 'not JSON')
  }
}

/** Returns the message of an AppError. @throws any other error */
function reasonOf(error: unknown): string {
  if (error instanceof AppError) return error.message
  throw error
}

async function knownHashes(session: Session): Promise<Set<string>> {
  const hashes = new Set<string>()
  for await (const items of session.pages('/v1/workflows')) {
    for (const item of items) hashes.add(Known.parse(item).contentHash)
  }
  return hashes
}

/** The command. @returns the exit code */
export async function importCommand({ positionals, flags }: CommandInput): Promise<number> {
  const io: ImportIo = { ...realSignInIo, message, progress }
  const outcome = await importWorkflows(positionals, process.env, io, {
    renewWebhookTokens: flags.has('renew-webhook-tokens'),
  })
  if (flags.has('json')) jsonResult(outcome.result)
  else result(outcome.summary)
  return outcome.exitCode
}
