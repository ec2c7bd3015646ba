/** @module `flowkeep import`: keeps every workflow in the given files and folders; a second run creates nothing. */
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import { AppError } from '../errors.ts'
import { inexactNumbers } from '../lib/json-text.ts'
import { contentHash, parseWorkflow } from '../n8n/workflow-json.ts'
import { workflowsInText } from '../n8n/workflow-text.ts'
import { RequestRefused, Session, type SessionIo } from './session.ts'

export interface ImportIo extends SessionIo {
  print: (line: string) => void
  complain: (line: string) => void
  /** Draws over the line that it drew before. Null when nobody watches. */
  progress: ((line: string) => void) | null
  /** Null when nobody is there to ask. */
  ask: ((question: string, hidden: boolean) => Promise<string>) | null
}

const usage = 'Usage: flowkeep import <folder or file> …'
const parallelRequests = 4
const largestFileBytes = 64 * 1024 * 1024

type Outcome = { kind: 'created' | 'present' | 'repeated' } | { kind: 'refused'; reason: string }

const Known = z.object({
  items: z.array(z.object({ contentHash: z.string() })),
  nextCursor: z.string().nullable(),
})

/**
 * Environment: `FLOWKEEP_URL` (default `http://127.0.0.1:8787`) and `FLOWKEEP_TOKEN`, an access token, or
 * `FLOWKEEP_EMAIL` and `FLOWKEEP_PASSWORD`; what is missing of these two is asked for.
 * @returns the exit code: 0 when any workflow is there now, 1 when none is
 */
export async function importWorkflows(
  args: string[],
  env: Record<string, string | undefined>,
  io: ImportIo,
): Promise<number> {
  if (args.length === 0 || args.some((arg) => arg.startsWith('-'))) {
    io.complain(usage)
    return 1
  }
  let session: Session | undefined
  try {
    const { files, absent } = await findFiles(args)
    for (const name of absent) io.complain(`${printable(name)}: no such file or folder`)
    if (files.length === 0) {
      io.complain('No .json files there.')
      return 1
    }
    session = await signIn(env, io)
    return await importFiles(files, session, io)
  } catch (error) {
    if (!(error instanceof RequestRefused)) throw error
    io.complain(printable(error.message))
    return 1
  } finally {
    await session?.signOut()
  }
}

async function importFiles(files: string[], session: Session, io: ImportIo): Promise<number> {
  const known = await knownHashes(session)
  const counts = { created: 0, present: 0, repeated: 0, refused: 0 }
  const importer = new Importer(session, known)
  const queue = files.values()
  let done = 0
  const work = async () => {
    for (const file of queue) {
      for (const { label, outcome } of await importer.importFile(file)) {
        counts[outcome.kind] += 1
        if (outcome.kind !== 'refused') continue
        io.progress?.('')
        io.complain(`${printable(label)}: ${printable(outcome.reason)}`)
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
  const repeated = counts.repeated > 0 ? `, ${counts.repeated} the same as another file` : ''
  io.print(`${counts.created} created, ${counts.present} already there${repeated}, ${counts.refused} refused`)
  return counts.created + counts.present > 0 ? 0 : 1
}

class Importer {
  readonly #session: Session
  readonly #known: Set<string>
  /** Content that this run has met, so that equal files make one workflow. */
  readonly #met = new Map<string, Promise<Outcome>>()
  /** Keys repeats within this run only: a workflow deleted since an earlier run is created again. */
  readonly #run = crypto.randomUUID()

  constructor(session: Session, known: Set<string>) {
    this.#session = session
    this.#known = known
  }

  /** One outcome for each workflow in the file, or one for the file when it holds none. */
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
    let name: string | null
    let hash: string
    try {
      const parsed = parseWorkflow(value)
      name = parsed.name
      hash = await contentHash(parsed.workflow)
    } catch (error) {
      return { kind: 'refused', reason: reasonOf(error) }
    }
    const earlier = this.#met.get(hash)
    if (earlier) {
      const outcome = await earlier
      return outcome.kind === 'created' ? { kind: 'repeated' } : outcome
    }
    const named = name !== null && name.trim() !== ''
    const body = {
      workflow: text ?? value,
      ...(!named && { name: Array.from(fallbackName).slice(0, 100).join('') }),
    }
    const outcome = this.#known.has(hash)
      ? Promise.resolve({ kind: 'present' } as const)
      : this.#create(body, hash)
    this.#met.set(hash, outcome)
    return outcome
  }

  async #create(body: object, hash: string): Promise<Outcome> {
    try {
      await this.#session.post('/v1/workflows', body, `import-${this.#run}-${hash}`)
      return { kind: 'created' }
    } catch (error) {
      // Anything else would meet every other file too.
      if (!(error instanceof RequestRefused) || ![400, 409, 413, 422].includes(error.status)) throw error
      return { kind: 'refused', reason: error.message }
    }
  }
}

interface FileWorkflow {
  value: unknown
  /** Sent instead of `value` where the text says more: which numbers are stored as others. */
  text: string | null
}

/** What in a file should be workflows, or why there is none. */
async function readWorkflows(file: string): Promise<FileWorkflow[] | string> {
  let text: string
  try {
    if ((await stat(file)).size > largestFileBytes) return 'larger than 64 MB'
    text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file))
  } catch (error) {
    return error instanceof TypeError ? 'not UTF-8 text' : 'cannot be read'
  }
  if (text.trim() === '') return 'empty file'
  try {
    const { workflows, source } = workflowsInText(text)
    const isTold = workflows.length === 1 && inexactNumbers(source, 1).length > 0
    return workflows.map(({ value }) => ({ value, text: isTold ? source : null }))
  } catch (error) {
    return reasonOf(error).replace(/^Not JSON/, 'not JSON')
  }
}

/** @throws what is no AppError */
function reasonOf(error: unknown): string {
  if (error instanceof AppError) return error.message
  throw error
}

async function findFiles(args: string[]): Promise<{ files: string[]; absent: string[] }> {
  const files = new Map<string, string>()
  const absent: string[] = []
  for (const arg of args) {
    const entry = await stat(arg).catch(() => null)
    if (!entry) absent.push(arg)
    else if (!entry.isDirectory()) files.set(path.resolve(arg), arg)
    else {
      for (const name of (await readdir(arg, { recursive: true })).toSorted()) {
        const file = path.join(arg, name)
        if (/\.json$/i.test(name) && (await stat(file).catch(() => null))?.isFile()) {
          files.set(path.resolve(file), file)
        }
      }
    }
  }
  return { files: [...files.values()], absent }
}

async function signIn(env: Record<string, string | undefined>, io: ImportIo): Promise<Session> {
  const url = (env.FLOWKEEP_URL || 'http://127.0.0.1:8787').replace(/\/+$/, '')
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new RequestRefused(0, 'FLOWKEEP_URL is not an http URL')
  if (env.FLOWKEEP_TOKEN) return Session.withToken(url, io, env.FLOWKEEP_TOKEN)
  const answer = async (given: string | undefined, question: string, hidden: boolean) => {
    if (given) return given
    if (!io.ask) {
      throw new RequestRefused(0, 'Set FLOWKEEP_TOKEN, or FLOWKEEP_EMAIL and FLOWKEEP_PASSWORD, to sign in')
    }
    return io.ask(question, hidden)
  }
  const email = await answer(env.FLOWKEEP_EMAIL, 'E-mail: ', false)
  return Session.signIn(url, io, email, await answer(env.FLOWKEEP_PASSWORD, 'Password: ', true))
}

async function knownHashes(session: Session): Promise<Set<string>> {
  const hashes = new Set<string>()
  let cursor: string | null = null
  do {
    const query: string = cursor === null ? '' : `&cursor=${cursor}`
    const page = Known.parse(await session.get(`/v1/workflows?limit=100${query}`))
    for (const item of page.items) hashes.add(item.contentHash)
    cursor = page.nextCursor
  } while (cursor !== null)
  return hashes
}

function bar(done: number, total: number): string {
  const width = 30
  const filled = Math.round((done / total) * width)
  return `[${'#'.repeat(filled)}${'.'.repeat(width - filled)}] ${done}/${total}`
}

/** File names and answers come from outside: no control characters reach the terminal. */
const printable = (text: string): string => text.replaceAll(/\p{Cc}+/gu, ' ').slice(0, 500)

/** The command; sets the exit code. */
export async function importCommand(args: string[]): Promise<void> {
  process.exitCode = await importWorkflows(args, process.env, terminal())
}

function terminal(): ImportIo {
  const { stdin, stdout } = process
  return {
    fetch: (url, init) => fetch(url, init),
    sleep: (milliseconds) => sleep(milliseconds),
    print: (line) => console.log(line),
    complain: (line) => console.error(line),
    progress: stdout.isTTY ? (line) => stdout.write(`\r\u001b[K${line}`) : null,
    ask: stdin.isTTY ? askOnTerminal : null,
  }
}

async function askOnTerminal(question: string, hidden: boolean): Promise<string> {
  const { stdin, stdout } = process
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: hidden ? silent : stdout, terminal: true })
  try {
    if (hidden) stdout.write(question)
    return await lines.question(hidden ? '' : question)
  } finally {
    if (hidden) stdout.write('\n')
    lines.close()
  }
}
