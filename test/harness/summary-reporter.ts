import type { Reporter, TestModule } from 'vitest/node'

/** Ends a run with one machine-readable line: `12 passed, 0 failed`. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    let passed = 0
    let failed = unhandledErrors.length
    for (const module of modules) {
      const failedBefore = failed
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') passed++
        if (state === 'failed') failed++
      }
      // A file that failed outside its tests counts once.
      if (module.state() === 'failed' && failed === failedBefore) failed++
    }
    // After the default reporter, which also writes its last lines when the run ends.
    process.once('exit', (exitCode) => {
      // A run that failed before its tests counts as failed too.
      const failures = exitCode !== 0 && failed === 0 ? 1 : failed
      process.stdout.write(`${passed} passed, ${failures} failed\n`)
    })
  }
}
