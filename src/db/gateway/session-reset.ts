/**
 * What `discard all` does, except that it keeps plans: with them every function would be planned anew at each request.
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
