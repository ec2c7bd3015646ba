import { defineConfig } from 'vitest/config'
import { common, globalSetup, reporters } from './vitest.config.ts'

/** `npm run test:linear`: every operation, form and page takes work in proportion to its input. */
export default defineConfig({
  test: {
    ...common,
    reporters,
    include: ['test/linear/*.test.ts'],
    setupFiles: ['test/linear/setup.ts'],
    globalSetup,
    testTimeout: 900_000,
  },
})
