/**
 * @module Moves an account to another database with the same schema. The account is read-only until the copy is
 * compared; then its route switches, and the rows in the source are deleted. The route in the source (`user_routes`)
 * records the progress of the move, so that it can be resumed or, before the switch, aborted after a crash at any
 * point.
 */
import { createSecretBox } from '../../crypto/secret-box.ts'
import type { KeyRing } from '../../crypto/key-ring.ts'
import {
  type CatalogTable,
  ensureMonth,
  type Query,
  quoted,
  readSchemaVersion,
} from '../../db/backup/catalog.ts'
import type { Backend } from '../../db/gateway/protocol.ts'
import { opensKeyCheck } from '../../db/key-check.ts'
import { sleep } from '../../lib/retry.ts'
import { inTransaction } from '../backup/transaction.ts'
import { contentOfUser, copyTable, deleteRowsOf, type Ends } from './copy.ts'
import { guard, passGuard, unguard } from './guard.ts'
import { current, has, ofUser, pendingTable, readUserTables } from './user-tables.ts'

export interface MoveOptions extends Ends {
  email: string
  /** URL of the server that uses the target. Required unless the move is resumed. */
  url: string | null
  rings: Readonly<Record<string, KeyRing | undefined>>
  isResumed: boolean
  /** Called after each step. */
  onStep?: (step: string) => void
  onProgress?: ((line: string) => void) | null
}

export interface MovedTable {
  table: string
  rows: number
}

export interface Moved {
  userId: string
  email: string
  url: string
  /** Empty when an earlier call had already compared them. */
  tables: MovedTable[]
}

interface Route {
  userId: string
  state: string
  email: string
  /** Null while a move is being aborted. */
  url: string | null
}

const read = <T>(backend: Backend, work: (query: Query) => Promise<T>) =>
  inTransaction(backend, 'snapshot', work)
const write = <T>(backend: Backend, work: (query: Query) => Promise<T>) =>
  inTransaction(backend, 'writable', work)

export async function moveUser(options: MoveOptions): Promise<Moved> {
  const { source, email, isResumed, onStep = () => undefined } = options
  const tables = await sameTables(options)
  let route = await routeOf(source, email)
  if (isResumed && !route) throw new Error(`No move of ${email} is in progress.`)
  if (!isResumed && route)
    throw new Error(
      route.state === 'leaving'
        ? `A move of ${email} is in progress. Continue it with --resume, or cancel it with --abort.`
        : `The account ${email} was moved to ${route.url}.`,
    )
  route ??= await begin(options, tables)
  const { userId, url } = route
  if (url === null) throw new Error(`The move of ${email} is being aborted. Finish it with --abort.`)
  if (options.url !== null && options.url !== url)
    throw new Error(`The move of ${email} was started with --url ${url}.`)
  const compared = route.state === 'leaving' ? await copy(options, tables, route) : []
  await activate(options, tables, userId)
  onStep('activated')
  await deleteRowsOf(source, tables, userId, (table) => onStep(`deleted ${table}`))
  await unguard(source, tables, userId)
  return { userId, email: route.email, url, tables: compared }
}

/** Removes everything from the target and makes the account writable again. @throws {Error} after the switch */
export async function abortMove({
  source,
  target,
  email,
  onStep = () => undefined,
}: Pick<MoveOptions, 'source' | 'target' | 'email' | 'onStep'>): Promise<{ userId: string; email: string }> {
  const route = await routeOf(source, email)
  if (!route) throw new Error(`No move of ${email} is in progress.`)
  const { userId } = route
  // Prevents the switch by another process.
  const rows = await write(source, (query) =>
    query(
      `update user_routes set url = null where user_id = $1::uuid and state = 'leaving' returning user_id::text`,
      [userId],
    ),
  )
  if (rows.length === 0)
    throw new Error(`The account ${email} was moved to ${route.url}. Finish the move with --resume.`)
  const tables = await read(source, readUserTables)
  if (await routeInTarget(target, userId)) {
    await deleteRowsOf(target, tables, userId, (table) => onStep(`deleted ${table}`))
    await unguard(target, tables, userId)
    await write(target, async (query) => {
      // An account that was to move back.
      await query(
        `update user_routes set state = 'moved' where user_id = $1::uuid and state = 'arriving' and moved_at is not null`,
        [userId],
      )
      await query(`delete from user_routes where user_id = $1::uuid and state = 'arriving'`, [userId])
    })
  }
  onStep('copy deleted')
  await unguard(source, tables, userId)
  await write(source, (query) =>
    query(`delete from user_routes where user_id = $1::uuid and state = 'leaving' and url is null`, [userId]),
  )
  return { userId, email: route.email }
}

/** A move of the address that is not finished, or the last one that is. */
async function routeOf(backend: Backend, email: string): Promise<Route | null> {
  const [row] = await read(backend, (query) =>
    query(
      `select user_id::text, state, email, url from user_routes
       where lower(email) = lower($1) and state in ('leaving', 'moved')
       order by state, started_at desc limit 1`,
      [email],
    ),
  )
  if (!row) return null
  const [userId = '', state = '', stored = '', url = null] = row
  return { userId: userId ?? '', state: state ?? '', email: stored ?? '', url }
}

const routeInTarget = async (target: Backend, userId: string): Promise<boolean> =>
  (
    await read(target, (query) =>
      query(`select 1::text from user_routes where user_id = $1::uuid and state = 'arriving'`, [userId]),
    )
  ).length > 0

/** @throws {Error} when the schemas differ */
async function sameTables({ source, target }: Ends): Promise<CatalogTable[]> {
  const describe = (backend: Backend) =>
    read(backend, async (query) => ({
      version: await readSchemaVersion(query),
      tables: await readUserTables(query),
    }))
  const [from, to] = [await describe(source), await describe(target)]
  if (from.version !== to.version)
    throw new Error(
      `The source has schema ${from.version}, and the target ${to.version ?? 'none'}. Migrate both to the same release.`,
    )
  const other = new Map(to.tables.map((table) => [table.name, JSON.stringify(table.columns)]))
  const different = from.tables.find(({ name, columns }) => other.get(name) !== JSON.stringify(columns))
  if (different) throw new Error(`The table ${different.name} differs between source and target.`)
  return from.tables
}

async function begin(
  { source, target, email, url, rings }: MoveOptions,
  tables: readonly CatalogTable[],
): Promise<Route> {
  if (url === null) throw new Error('Set --url to the URL of the server that uses the target.')
  const [user] = await read(source, (query) =>
    query(`select id::text, email from users where lower(email) = lower($1) and deleted_at is null`, [email]),
  )
  if (!user) throw new Error(`No account has the email address ${email}`)
  const [userId, stored] = user as [string, string]
  await requireKeys({ source, target }, tables, userId, rings)
  await requireFree(target, userId, stored)
  const [busy] = await read(source, (query) =>
    query(
      `select 1::text from deployments where user_id = $1::uuid and intent is not null and lease_until > now()`,
      [userId],
    ),
  )
  if (busy) throw new Error('A deployment of the account is in progress. Try again when it is finished.')
  const inserted = await write(source, (query) =>
    query(
      `insert into user_routes (user_id, state, email, url) values ($1::uuid, 'leaving', $2, $3)
       on conflict (user_id) do nothing returning user_id::text`,
      [userId, stored, url],
    ),
  )
  if (inserted.length === 0) throw new Error(`Another move of ${email} was started. Use --resume or --abort.`)
  return { userId, state: 'leaving', email: stored, url }
}

/** @throws {Error} when the target already has the account or another one with the address */
async function requireFree(target: Backend, userId: string, email: string): Promise<void> {
  const [taken] = await read(target, (query) =>
    query(
      `select (id = $1::uuid)::text from users
       where id = $1::uuid or lower(email) = lower($2) and deleted_at is null`,
      [userId, email],
    ),
  )
  if (!taken) return
  throw new Error(
    taken[0] === 'true'
      ? 'The target database already has this account. Set TARGET_DATABASE_URL to another database.'
      : `Another account in the target database has the email address ${email}.`,
  )
}

/**
 * Secrets are copied as they are, so both servers need the same keys under the same IDs.
 * @throws {Error} that names the missing keys
 */
async function requireKeys(
  { source, target }: Ends,
  tables: readonly CatalogTable[],
  userId: string,
  rings: MoveOptions['rings'],
): Promise<void> {
  const idsOf = (columnName: string) =>
    read(source, async (query) => {
      const ids = new Set<string>()
      for (const table of tables) {
        // Generated columns are not in the list of columns.
        const [found] = await query(
          `select 1::text from information_schema.columns
           where table_schema = 'public' and table_name = $1 and column_name = $2`,
          [table.name, columnName],
        )
        if (!found) continue
        const rows = await query(
          `select distinct ${quoted(columnName)}::text from ${quoted(table.name)} where ${ofUser(table, userId)}`,
        )
        for (const [id] of rows) if (id) ids.add(id)
      }
      return [...ids].toSorted()
    })
  const checksOf = async (backend: Backend) => {
    const rows = await read(backend, (query) => query('select key_id, sealed::text from key_checks'))
    return new Map(rows.map(([id, sealed]) => [id ?? '', JSON.parse(sealed ?? 'null') as unknown]))
  }
  const keyIds = await idsOf('key_id')
  const pepperIds = await idsOf('pepper_id')
  const ring = rings['CREDENTIAL_KEYS']
  const problems = pepperIds
    .filter((id) => !rings['PASSWORD_PEPPERS']?.keys.has(id))
    .map((id) => `PASSWORD_PEPPERS is missing ${id}`)
  const [ofSource, ofTarget] = [await checksOf(source), await checksOf(target)]
  const box = ring && createSecretBox(ring)
  const opens = async (id: string, sealed: unknown) =>
    box !== undefined && (await opensKeyCheck(box, id, sealed))
  for (const id of keyIds) {
    if (!ring?.keys.has(id)) problems.push(`CREDENTIAL_KEYS is missing ${id}`)
    else if (ofSource.has(id) && !(await opens(id, ofSource.get(id))))
      problems.push(`CREDENTIAL_KEYS has a different key under the ID ${id} than the source`)
    else if (!ofTarget.has(id))
      problems.push(
        `the target has never used ${id}: add it to the CREDENTIAL_KEYS of its server and start that server`,
      )
    else if (!(await opens(id, ofTarget.get(id))))
      problems.push(`the target has a different key under the ID ${id}`)
  }
  if (problems.length > 0)
    throw new Error(`The account needs keys that are not available: ${problems.join('; ')}.`)
}

/** Copies and compares everything, then switches the route. */
async function copy(
  options: MoveOptions,
  tables: readonly CatalogTable[],
  route: Route,
): Promise<MovedTable[]> {
  const { source, target, onStep = () => undefined, onProgress } = options
  const { userId, email } = route
  await guard(source, tables, userId)
  onStep('source read-only')
  if (!(await routeInTarget(target, userId))) {
    await requireFree(target, userId, email)
    await write(target, (query) =>
      query(
        `insert into user_routes (user_id, state, email) values ($1::uuid, 'arriving', $2)
         on conflict (user_id) do update set state = 'arriving', email = excluded.email, started_at = now()`,
        [userId, email],
      ),
    )
  }
  await guard(target, tables, userId)
  onStep('target read-only')
  await rollUp(source, userId)
  const horizon = await horizonOf(source)
  const copied = tables.filter(({ name }) => name !== pendingTable)
  await ensureMonths({ source, target }, copied, userId, horizon)
  for (const table of copied) {
    let rows = 0
    await copyTable({ source, target }, table, userId, horizon, (count) => {
      rows += count
      onProgress?.(`${table.name}: ${rows} rows copied`)
      onStep(`copied ${rows} ${table.name}`)
    })
  }
  onStep('copied')
  const compared: MovedTable[] = []
  for (const table of copied) {
    const [from, to] = [
      await contentOfUser(source, table, userId, horizon),
      await contentOfUser(target, table, userId, horizon),
    ]
    if (from.rows !== to.rows || from.checksum !== to.checksum)
      throw new Error(
        `The table ${table.name} differs: ${from.rows} rows in the source, ${to.rows} in the target. Cancel the move with --abort, then start again.`,
      )
    compared.push({ table: table.name, rows: from.rows })
  }
  onStep('compared')
  const switched = await write(source, (query) =>
    query(
      `update user_routes set state = 'moved', moved_at = now(),
         instance_ids = array(select id from instances where user_id = $1::uuid)
       where user_id = $1::uuid and state = 'leaving' and url is not null returning user_id::text`,
      [userId],
    ),
  )
  if (switched.length === 0) throw new Error(`The move of ${email} was aborted.`)
  onStep('switched')
  return compared
}

/** The user's changes: rolled up here, so that their totals are copied instead. */
async function rollUp(source: Backend, userId: string): Promise<void> {
  for (;;) {
    const [row] = await write(source, async (query) => {
      await passGuard(query, userId)
      return query('select fold_execution_changes(20000, 200000)::text')
    })
    const [left] = await read(source, (query) =>
      query(`select 1::text from execution_changes where user_id = $1::uuid limit 1`, [userId]),
    )
    if (!left) return
    // Another session is rolling up.
    if (row?.[0] === null) await sleep(200)
  }
}

const horizonOf = async (source: Backend): Promise<string> =>
  (await read(source, (query) => query('select month::text from execution_horizon')))[0]?.[0] ?? '0001-01-01'

async function ensureMonths(
  { source, target }: Ends,
  tables: readonly CatalogTable[],
  userId: string,
  horizon: string,
): Promise<void> {
  const months = new Set<string>()
  await read(source, async (query) => {
    for (const table of tables) {
      const month = table.name === 'executions' ? 'utc_month(recorded_at)' : 'recorded_month'
      if (table.name !== 'executions' && !has(table, 'recorded_month')) continue
      const rows = await query(
        `select distinct to_char(${month}, 'YYYY-MM') from ${quoted(table.name)} where ${current(table, userId, horizon)}`,
      )
      for (const [found] of rows) if (found) months.add(found)
    }
  })
  for (const month of [...months].toSorted()) await write(target, (query) => ensureMonth(query, month))
}

/** The target serves the account from here on. */
async function activate({ target }: Ends, tables: readonly CatalogTable[], userId: string): Promise<void> {
  await unguard(target, tables, userId)
  await write(target, (query) =>
    query(`delete from user_routes where user_id = $1::uuid and state = 'arriving'`, [userId]),
  )
}
