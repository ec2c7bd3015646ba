/**
 * Like `discard all`, but keeps prepared statements and cached plans, so that requests do not plan everything again. For the
 * simple protocol. Source: PostgreSQL documentation, DISCARD.
 */
export const sessionReset = [
  'close all',
  'set session authorization default',
  'reset all',
  'unlisten *',
  'select pg_advisory_unlock_all()',
  'discard temp',
  'discard sequences',
].join('; ')
