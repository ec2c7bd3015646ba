/**
 * Like `discard all`, but keeps plans. Without them, every request would plan every function again.
 * For the simple protocol. Source: PostgreSQL, DISCARD.
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
