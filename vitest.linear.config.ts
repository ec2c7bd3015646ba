import { defineConfig } from 'vitest/config'
import { common, reporters } from './vitest.config.ts'

/**
 * `npm run test:linear`: functions for workflows and every operation, page, form and MCP tool take work in proportion to
 * their input, and a server with little memory survives large input.
 */
export default defineConfig({
  test: {
    ...common,
    reporters,
    include: ['test/linear/*.test.ts'],
    setupFiles: ['test/linear/setup.ts'],
    globalSetup: './test/harness/postgres-setup.ts',
    testTimeout: 900_000,
  },
})
