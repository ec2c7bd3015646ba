/** @module The embedded Postgres: PGlite, with one connection that requests share in turn. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { messages, PGlite, protocol } from '@electric-sql/pglite'
import { lockFolder } from './folder-lock.ts'
import { type Backend, type Execute, ResponseTooLarge, type StatementResult, textField } from './protocol.ts'
import { sessionReset } from './session-reset.ts'

const { serialize } = protocol

type BackendMessage = Awaited<ReturnType<PGlite['execProtocol']>>['messages'][number]

export interface PgliteOptions {
  /**
   * Plans each statement once and does not reset the session between requests: several times faster, for tests whose
   * statements leave no settings, temporary tables or locks.
   */
  keepsPlans?: boolean
}

/** PGlite as a backend. Requests queue, and a batch holds the queue until it ends. PGlite does not support timeouts. */
export function pgliteBackend(pglite: PGlite, { keepsPlans = false }: PgliteOptions = {}): Backend {
  /** SQL → the name of its prepared statement. */
  const prepared = new Map<string, string>()
  return {
    withConnection: (use) =>
      pglite.runExclusive(async () => {
        let idle = true
        const execute: Execute = async ({ query, params }, maxChars) => {
          const known = prepared.get(query)
          const name = known ?? (keepsPlans ? `s${prepared.size}` : '')
          const answer = await pglite.execProtocol(
            Buffer.concat([
              known === undefined ? serialize.parse({ name, text: query }) : Buffer.alloc(0),
              pipeline(name, params),
            ]),
            { throwOnError: false },
          )
          if (keepsPlans && answer.messages.some((message) => message.name === 'parseComplete'))
            prepared.set(query, name)
          idle = answer.messages.some(
            (message) => message instanceof messages.ReadyForQueryMessage && message.status === 'I',
          )
          return toResult(answer.messages, maxChars)
        }
        try {
          return await use(execute)
        } finally {
          if (!idle) await pglite.execProtocol(serialize.query('rollback'), { throwOnError: false })
          if (!keepsPlans)
            await pglite.execProtocol(serialize.query(`${sessionReset}; deallocate all`), {
              throwOnError: false,
            })
        }
      }),
    close: () => pglite.close(),
  }
}

/**
 * Opens or creates the database in `dataDir` exclusively.
 * @throws when another running process has it open
 */
export async function openEmbeddedDatabase(dataDir: string): Promise<Backend> {
  await mkdir(dataDir, { recursive: true })
  const release = await lockFolder(dataDir)
  try {
    const backend = pgliteBackend(await PGlite.create({ dataDir: join(dataDir, 'postgres') }))
    return {
      ...backend,
      close: async () => {
        await backend.close()
        await release()
      },
    }
  } catch (error) {
    await release()
    throw error
  }
}

/** Runs a parsed statement. */
function pipeline(statement: string, params: (string | null)[]): Uint8Array {
  return Buffer.concat([
    serialize.bind({ statement, values: params }),
    serialize.describe({ type: 'P', name: '' }),
    serialize.execute({}),
    // Ignored except after COPY … FROM STDIN, which would otherwise read the end of input and exit.
    serialize.copyFail('COPY FROM STDIN is not supported'),
    serialize.sync(),
  ])
}

function toResult(received: BackendMessage[], maxChars: number): StatementResult {
  const result: StatementResult = { fields: [], rows: [], command: '', rowCount: null }
  let chars = 0
  for (const message of received) {
    if (message instanceof Error) throw message
    if (message instanceof messages.RowDescriptionMessage) {
      result.fields = message.fields.map(textField)
    } else if (message instanceof messages.DataRowMessage) {
      for (const value of message.fields) chars += value?.length ?? 0
      if (chars > maxChars) throw new ResponseTooLarge()
      result.rows.push(message.fields)
    } else if (message instanceof messages.CommandCompleteMessage) {
      const [command = '', ...rest] = message.text.split(' ')
      const count = rest.at(-1)
      result.command = command
      result.rowCount = count !== undefined && /^\d+$/.test(count) ? Number(count) : null
    }
  }
  return result
}
