/** @module Prints the results of checks: as JSON to stdout, or a line each, with the fix below a failed check. */
import { printable } from '../command.ts'
import { plural, result } from '../terminal.ts'
import { type CheckResult, type Outcome, passed } from './checks.ts'

const marks: Record<Outcome, string> = { ok: 'ok', warning: 'WARNING', failure: 'FAILURE' }

export function printReport(results: readonly CheckResult[]): void {
  const width = Math.max(...results.map(({ id }) => id.length))
  for (const { id, outcome, found, fix } of results) {
    result(`${marks[outcome].padEnd(7)}  ${id.padEnd(width)}  ${printable(found)}`)
    if (fix !== null) result(`${''.padEnd(9)}${''.padEnd(width)}  → ${printable(fix)}`)
  }
  result(summaryOf(results))
}

function summaryOf(results: readonly CheckResult[]): string {
  const count = (outcome: Outcome) => results.filter((each) => each.outcome === outcome).length
  const counts = `${plural(count('failure'), 'failure')}, ${plural(count('warning'), 'warning')}, ${count('ok')} ok`
  return passed(results) ? `Passed: ${counts}.` : `Failed: ${counts}.`
}
