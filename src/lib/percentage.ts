/** Rounded half up to two decimals; null when `whole` is 0. */
export const percentageOf = (part: number, whole: number): number | null =>
  whole > 0 ? Math.floor((part * 10_000) / whole + 0.5) / 100 : null
