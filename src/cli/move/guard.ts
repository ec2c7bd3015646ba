/**
 * @module Makes the rows of one user read-only, with triggers that exist only during a move. Creating one waits for the
 * transactions that write to the table, so that afterwards nothing changes. Other users' statements only evaluate the
 * condition of the trigger.
 */
import { type CatalogTable, type Query, quoted } from '../../db/backup/catalog.ts'
import type { Backend } from '../../db/gateway/protocol.ts'
import { sleep } from '../../lib/retry.ts'
import { inTransaction } from '../backup/transaction.ts'
import { literal, ownerColumn } from './user-tables.ts'

/**
 * Tables that only requests of the user change, apart from jobs that leave out moving accounts. Changes of their rows
 * fail. Changes in other tables have no effect, because jobs change the rows of many users in one statement.
 */
const refusing = new Set([
  'api_token_secrets',
  'api_tokens',
  'approvals',
  'credentials',
  'dead_letters',
  'deployment_versions',
  'deployments',
  'environments',
  'error_group_states',
  'instances',
  'oauth_grants',
  'passkeys',
  'recovery_codes',
  'release_targets',
  'releases',
  'remote_credentials',
  'test_runs',
  'totp_factors',
  'users',
  'value_storage',
  'workflow_versions',
  'workflows',
])

const lockTimeout = '2s'
const attempts = 60
const pauseMs = 500

const setting = 'flowkeep.move'

/** For the transaction: the triggers let the move itself change the user's rows. */
export const passGuard = async (query: Query, userId: string): Promise<void> =>
  void (await query(`select set_config('${setting}', $1, true)`, [userId]))

const nameOf = (event: string, userId: string) => `move_${event}_${userId.replaceAll('-', '')}`

export async function guard(backend: Backend, tables: readonly CatalogTable[], userId: string) {
  for (const table of tables) {
    await withLock(backend, async (query) => {
      const existing = await guardsOf(query, table, userId)
      for (const event of ['insert', 'change'] as const) {
        const name = nameOf(event, userId)
        if (existing.has(name)) continue
        const events =
          event === 'insert' ? 'insert' : table.name === 'sessions' ? 'delete' : 'update or delete'
        await query(statement(table, name, events, event === 'insert' ? 'new' : 'old', userId))
      }
      // Requests refresh and end sessions; the job deletes expired ones.
      const name = nameOf('update', userId)
      if (table.name === 'sessions' && !existing.has(name))
        await query(statement(table, name, 'update', 'old', userId, 'refuse'))
    })
  }
}

function statement(
  table: CatalogTable,
  name: string,
  events: string,
  row: 'new' | 'old',
  userId: string,
  effect = refusing.has(table.name) ? 'refuse' : 'skip',
): string {
  return `create trigger ${quoted(name)} before ${events} on ${quoted(table.name)} for each row
    when (${row}.${quoted(ownerColumn(table))} = ${literal(userId)}::uuid
      and current_setting('${setting}', true) is distinct from ${literal(userId)})
    execute function refuse_user_change('${effect}')`
}

export async function unguard(backend: Backend, tables: readonly CatalogTable[], userId: string) {
  for (const table of tables) {
    await withLock(backend, async (query) => {
      for (const name of await guardsOf(query, table, userId))
        await query(`drop trigger ${quoted(name)} on ${quoted(table.name)}`)
    })
  }
}

async function guardsOf(query: Query, table: CatalogTable, userId: string): Promise<Set<string>> {
  const rows = await query(
    `select tgname::text from pg_trigger where tgrelid = to_regclass('public.' || quote_ident($1))
      and not tgisinternal and tgname::text = any($2::text[])`,
    [table.name, `{${['insert', 'change', 'update'].map((event) => nameOf(event, userId)).join(',')}}`],
  )
  return new Set(rows.flatMap(([name]) => name ?? []))
}

/** Waits briefly for the lock of a table, because other statements queue behind it, and tries again. */
async function withLock(backend: Backend, work: (query: Query) => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await inTransaction(backend, 'writable', async (query) => {
        await query(`select set_config('lock_timeout', '${lockTimeout}', true)`)
        await work(query)
      })
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : ''
      if ((code !== '55P03' && code !== '40P01') || attempt === attempts) throw error
      await sleep(pauseMs)
    }
  }
}
