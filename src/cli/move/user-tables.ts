/** @module The tables with rows of a user, from the catalog of the database, and conditions on those rows. */
import { type CatalogTable, type Query, quoted, readTables } from '../../db/backup/catalog.ts'

/** Tables without rows of a user. Every other table needs the column `user_id`. */
export const sharedTables: ReadonlySet<string> = new Set([
  'execution_backfill',
  'execution_horizon',
  'job_runs',
  'key_checks',
  'login_throttles',
  'oauth_clients',
])

/** Its row stays, because it says where the account is. */
export const routeTable = 'user_routes'

/** Rolled up before the copy. Its IDs are numbers of this database. */
export const pendingTable = 'execution_changes'

/** Parents first. @throws {Error} for a table whose owner is unknown */
export async function readUserTables(query: Query): Promise<CatalogTable[]> {
  const tables = (await readTables(query)).filter(
    ({ name }) => !sharedTables.has(name) && name !== routeTable,
  )
  const unknown = tables.find((table) => table.name !== 'users' && !has(table, 'user_id'))
  if (unknown) throw new Error(`The table ${unknown.name} has no column user_id`)
  return tables
}

export const ownerColumn = ({ name }: Pick<CatalogTable, 'name'>): string =>
  name === 'users' ? 'id' : 'user_id'

export const has = ({ columns }: Pick<CatalogTable, 'columns'>, column: string): boolean =>
  columns.some(({ name }) => name === column)

export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** Condition on the rows of a user. */
export const ofUser = (table: Pick<CatalogTable, 'name'>, userId: string): string =>
  `${quoted(ownerColumn(table))} = ${literal(userId)}::uuid`

/** As `ofUser`, without rollups of months that retention has dropped: nothing counts them. */
export const current = (table: CatalogTable, userId: string, horizon: string): string =>
  has(table, 'recorded_month')
    ? `${ofUser(table, userId)} and recorded_month >= ${literal(horizon)}::date`
    : ofUser(table, userId)

/** Expressions that order rows by their primary key in the same way in every database. */
export const keyExpressions = (table: CatalogTable): string[] =>
  table.primaryKey.map((name) => {
    const type = table.columns.find((column) => column.name === name)?.type
    return `${quoted(name)}${type === 'text' ? ' collate "C"' : ''}`
  })
