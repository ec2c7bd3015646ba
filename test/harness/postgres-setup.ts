/** @module `global-setup.ts` without PGlite, for suites whose servers run in processes of their own. */
export { setUpPostgres as default } from './global-setup.ts'
