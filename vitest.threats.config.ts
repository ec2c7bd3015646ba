import { defineConfig } from 'vitest/config'
import { common, reporters } from './vitest.config.ts'

/**
 * `npm run test:threats`: every threat of `docs/threat-model.md` on both runtimes. `npm run test:fuzz`: the long run of the
 * API fuzz tests. `npm run test:attacks`: sign-in under attack. A project for each: `--project threats-node`.
 */
const projects = (['threats', 'fuzz', 'attacks'] as const).flatMap((suite) =>
  (['node', 'workerd'] as const).map((runtime) => ({
    test: {
      ...common,
      name: `${suite}-${runtime}`,
      include: [`test/${suite}/${suite}.test.ts`],
      env: { FLOWKEEP_RUNTIME: runtime, FLOWKEEP_LONG: 'true' },
      globalSetup: './test/harness/postgres-setup.ts',
      maxWorkers: 1,
      testTimeout: 3_600_000,
    },
  })),
)

export default defineConfig({
  test: { reporters: [...reporters, './test/threats/table-reporter.ts'], maxWorkers: 1, projects },
})
