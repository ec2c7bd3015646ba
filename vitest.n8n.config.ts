import { defineConfig } from 'vitest/config'
import { common, globalSetup, reporters } from './vitest.config.ts'

/** Opt-in: the scenarios that need a real n8n; the table at the end names the environment variables that are not set. */
export default defineConfig({
  test: {
    ...common,
    globalSetup,
    include: ['test/real-n8n/**/*.test.ts', 'test/n8n/stub-conformance.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 120_000,
    maxWorkers: 1,
    reporters: [...reporters, './test/real-n8n/table-reporter.ts'],
  },
})
