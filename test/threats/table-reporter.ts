/** Ends a run with a table: each threat, and whether its tests passed on Node and on workerd. */
import type { Reporter, TestModule } from 'vitest/node'
import { threats } from './rows.ts'

const order = ['failed', 'pending', 'passed', 'skipped']

export default class TableReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const states = new Map<string, Map<string, string>>()
    for (const module of modules) {
      const runtime = /^threats-(\w+)$/.exec(module.project.name)?.[1]
      if (runtime === undefined) continue
      for (const test of module.children.allTests()) {
        const id = /^([A-Z]\d+) /.exec(test.name)?.[1] ?? ''
        if (!Object.hasOwn(threats, id)) continue
        const row = states.get(id) ?? new Map<string, string>()
        const { state } = test.result()
        const before = row.get(runtime)
        if (before === undefined || order.indexOf(state) < order.indexOf(before)) row.set(runtime, state)
        states.set(id, row)
      }
    }
    if (states.size === 0) return
    const rows = Object.entries(threats).map(([id, title]) => ({
      threat: `${id} ${title}`,
      node: states.get(id)?.get('node') ?? '–',
      workerd: states.get(id)?.get('workerd') ?? '–',
    }))
    process.once('exit', () => console.table(rows))
  }
}
