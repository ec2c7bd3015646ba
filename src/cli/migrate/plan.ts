/** @module What `migrate` would do: the pending migrations, their SQL, and the phase in which they run. */
import type { Migration } from '../../db/migrate.ts'
import { statementsOf } from '../../db/migrate.ts'
import { type Hazard, hazardsOf, isContract, objectionsTo } from './rules.ts'

/** `expand` runs before a new release, `contract` after it. */
export type Phase = 'expand' | 'contract'

export interface PlannedMigration {
  name: string
  phase: Phase
  statements: string[]
  hazards: Hazard[]
}

export interface MigrationPlan {
  pending: PlannedMigration[]
  /** Why these migrations must not run; empty if they may. */
  objections: string[]
}

/** @param pending names, as `pendingMigrations` returns them */
export async function planMigrations(
  migrations: readonly Migration[],
  pending: readonly string[],
): Promise<MigrationPlan> {
  const plan: MigrationPlan = { pending: [], objections: [] }
  for (const migration of migrations.filter(({ name }) => pending.includes(name))) {
    const hazards = await hazardsOf(migration)
    plan.objections.push(...objectionsTo(migration.name, hazards))
    plan.pending.push({
      name: migration.name,
      phase: isContract(hazards) ? 'contract' : 'expand',
      statements: statementsOf(migration).map(({ text }) => text.trim()),
      hazards,
    })
  }
  return plan
}

/**
 * The names that run before a new release.
 * @returns null if a migration that only adds follows one that removes: they cannot be separated
 */
export function expandOf({ pending }: MigrationPlan): string[] | null {
  const firstContract = pending.findIndex(({ phase }) => phase === 'contract')
  if (firstContract === -1) return pending.map(({ name }) => name)
  if (pending.slice(firstContract).some(({ phase }) => phase === 'expand')) return null
  return pending.slice(0, firstContract).map(({ name }) => name)
}

/** The SQL with the phase and hazards of each migration as comments. */
export function planText({ pending }: MigrationPlan): string {
  return pending
    .map(({ name, phase, statements, hazards }) => {
      const notes = hazards.map(
        ({ kind, effect, line, reason }) =>
          `--   ${kind}, line ${line}: ${effect}${reason === null ? '. Missing the comment that explains it' : `. Reason: ${reason}`}`,
      )
      return [
        `-- ${name} (${phase})`,
        ...notes,
        ...statements.map((text) => `${text.replace(/;$/, '')};\n`),
      ].join('\n')
    })
    .join('\n')
}
