export const minuteMs = 60_000
export const hourMs = 60 * minuteMs
export const dayMs = 24 * hourMs

/** The period that every page labels "24 h". */
export const last24Hours = (now: Date): { from: Date; to: Date } => ({
  from: new Date(now.getTime() - dayMs),
  to: now,
})

export const isoOf = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())
