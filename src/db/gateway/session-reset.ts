/**
 * Like `discard all`, but keeps the cached plans, so that requests do not plan every function again. For the simple
 * protocol. Source: PostgreSQL documentation, DISCARD.
 */
export const sessionReset = [
  'close all',
  'set session authorization default',
  'reset all',
  'deallocate all',
  'unlisten *',
  'select pg_advisory_unlock_all()',
  'discard temp',
  'discard sequences',
].join('; ')
