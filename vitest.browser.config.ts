import { defineConfig } from 'vitest/config'
import shared from './vitest.config.ts'

/** Everything in a browser, with the walks through every page that take minutes. */
export default defineConfig({
  test: { ...shared.test, include: ['test/browser/**/*.test.ts'], exclude: [], maxWorkers: 1 },
})
