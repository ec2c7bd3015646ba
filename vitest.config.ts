import { configDefaults, defineConfig } from 'vitest/config'
import type { InlineConfig } from 'vitest/node'
import { testFiles } from './test/harness/projects.ts'

/** Tests wait for servers and browsers in between: one process more than a small machine has processors. */
export const common = {
  environment: 'node',
  pool: 'forks',
  // A runaway test ends with an error instead of taking the machine's memory.
  execArgv: ['--max-old-space-size=3072'],
  maxWorkers: 3,
  testTimeout: 300_000,
  expect: { poll: { timeout: 60_000 } },
  hookTimeout: 300_000,
  teardownTimeout: 30_000,
} satisfies InlineConfig
/** Files share processes and what they import: loading everything again for each file would take longer than the tests. */
const shared = { isolate: false } satisfies InlineConfig
export const reporters = ['default', './test/harness/summary-reporter.ts']
export const globalSetup = './test/harness/global-setup.ts'

// `npm run test:threats`, `test:fuzz` and `test:attacks` start real servers; `npm run test:linear` takes minutes.
const elsewhere = [
  'test/real-n8n/',
  'test/browser/',
  'test/threats/threats.test.ts',
  'test/fuzz/',
  'test/attacks/',
  'test/linear/',
]
const { unit, db } = testFiles('test/**/*.test.{ts,tsx}', elsewhere)
// Crawls through every page in a browser take minutes: `npm run test:browser`.
const crawls = ['accessibility', 'guide-pages', 'long-names', 'payloads'].map(
  (name) => `test/browser/${name}.test.ts`,
)

export default defineConfig({
  test: {
    reporters,
    maxWorkers: common.maxWorkers,
    projects: [
      { test: { ...common, ...shared, name: 'unit', include: unit } },
      { test: { ...common, ...shared, name: 'db', include: db, globalSetup } },
      {
        test: {
          ...common,
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...crawls],
          globalSetup,
        },
      },
    ],
  },
})
