import { defineConfig } from 'vitest/config'
import { common, globalSetup, reporters } from './vitest.config.ts'

/** Everything in a browser, with the crawls through every page that take minutes. */
export default defineConfig({
  test: { ...common, reporters, globalSetup, include: ['test/browser/**/*.test.ts'], maxWorkers: 1 },
})
