/**
 * Rounded; 0 without any times.
 * @param times ascending
 * @param share 0.5: the median, 1: the largest
 */
export const percentile = (times: readonly number[], share: number): number =>
  Math.round(times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0)
