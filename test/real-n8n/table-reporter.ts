/** Ends a run with a table of files, tests and seconds, and the missing variables of skipped files. */
import { basename } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'

export default class TableReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows = modules.map((module) => {
      const tests = [...module.children.allTests()]
      const count = (state: string) => tests.filter((test) => test.result().state === state).length
      const missing = tests.flatMap((test) => /\(not set: (.*?)\)/.exec(test.fullName)?.[1] ?? [])
      return {
        file: basename(module.moduleId, '.test.ts'),
        result: module.state(),
        passed: count('passed'),
        failed: count('failed'),
        skipped: count('skipped'),
        seconds: Math.round(module.diagnostic().duration / 1000),
        'not set': [...new Set(missing)].join(', '),
      }
    })
    process.once('exit', () => console.table(rows))
  }
}
