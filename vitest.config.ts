import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.{ts,tsx}'],
    // What walks through every page in a browser takes minutes: `npm run test:browser`.
    exclude: ['test/real-n8n/**', 'test/browser/accessibility.test.ts', 'test/browser/payloads.test.ts'],
    environment: 'node',
    // Node's own fetch and crypto, a process for each file, and no more of them than a small machine bears.
    pool: 'forks',
    maxWorkers: 2,
    globalSetup: './test/harness/global-setup.ts',
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 30_000,
    reporters: ['default', './test/harness/summary-reporter.ts'],
  },
})
