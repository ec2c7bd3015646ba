import { defineConfig } from 'vitest/config'
import { common, globalSetup, reporters } from './vitest.config.ts'

/** Tests of failures, at full size. */
export default defineConfig({
  test: {
    ...common,
    reporters,
    globalSetup,
    testTimeout: 3_600_000,
    env: { FLOWKEEP_FULL: '1' },
    include: [
      // The endpoint of the database fails, loses answers, hangs or wakes up.
      'test/faults/**/*.test.ts',
      // Duplicates, reordering and concurrency.
      'test/{credentials,executions,workflows}/concurrency.test.ts',
      'test/executions/{merge,rollups}.test.ts',
      'test/users/sessions.test.ts',
      // n8n fails or asks to wait at each step of a deployment.
      'test/deployments/{faults,runs}.test.ts',
      // Migrations are interrupted at each statement or run twice at the same time.
      'test/db/{migrate,migration-kills}.test.ts',
      // Keys are missing, wrong or unavailable.
      'test/crypto/**/*.test.ts',
      'test/db/key-check.test.ts',
      // Jobs overlap and are killed.
      'test/executions/reconcile-killed.test.ts',
    ],
  },
})
