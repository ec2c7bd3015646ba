import { defineConfig } from 'vitest/config'
import { common, globalSetup, reporters } from './vitest.config.ts'

/** Opt-in: the scenarios that need a real n8n, named by `N8N_URL` and `N8N_API_KEY`. */
export default defineConfig({
  test: {
    ...common,
    reporters,
    globalSetup,
    include: ['test/real-n8n/**/*.test.ts', 'test/n8n/stub-conformance.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 120_000,
    maxWorkers: 1,
  },
})
