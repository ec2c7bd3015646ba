/** @module `flowkeep migrate`: plans, checks and applies migrations, either together or in two steps around a deploy. */
import { migrate, pendingMigrations } from '../../db/migrate.ts'
import { type CommandInput, exitCode } from '../command.ts'
import { UsageError } from '../failure.ts'
import { migratorOf, openDatabase, releasedMigrations } from '../operate/database.ts'
import { jsonResult, message, result } from '../terminal.ts'
import { expandOf, planMigrations, planText } from './plan.ts'

export async function migrateCommand({ flags }: CommandInput): Promise<number> {
  if (flags.has('plan') && flags.has('expand')) throw new UsageError('Use --plan or --expand, not both.')
  const database = openDatabase()
  try {
    await database.opened()
    const sql = migratorOf(database)
    const migrations = await releasedMigrations()
    const plan = await planMigrations(migrations, await pendingMigrations(sql, migrations))
    if (flags.has('plan')) {
      if (flags.has('json')) jsonResult(plan)
      else if (plan.pending.length > 0) result(planText(plan))
      for (const objection of plan.objections) message(objection)
      message(`Pending migrations: ${plan.pending.length}.`)
      return plan.objections.length === 0 ? exitCode.success : exitCode.failure
    }
    if (plan.objections.length > 0)
      throw new Error(`No migration was applied.\n${plan.objections.join('\n')}`)
    const expand = flags.has('expand') ? expandOf(plan) : null
    if (flags.has('expand') && expand === null) {
      throw new Error(
        'No migration was applied. A migration that adds to the schema follows one that removes from it. Run `migrate` ' +
          'without --expand during a maintenance window, or deploy the release between them first.',
      )
    }
    const isLater = (name: string) =>
      expand !== null && plan.pending.some((each) => each.name === name) && !expand.includes(name)
    const applied = await migrate({
      sql,
      migrations: migrations.filter(({ name }) => !isLater(name)),
      log: message,
      ...(!flags.has('json') && { onApplied: (name: string) => result(`Applied ${name}`) }),
    })
    const left = plan.pending.map(({ name }) => name).filter(isLater)
    if (flags.has('json')) jsonResult({ applied, left })
    else {
      for (const name of left) message(`Deferred until after the deploy: ${name}`)
      message(applied.length === 0 ? 'The schema is up to date.' : `Migrations applied: ${applied.length}.`)
    }
    return exitCode.success
  } finally {
    await database.close()
  }
}
