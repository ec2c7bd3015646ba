/** With two decimals, half up; null without a whole. */
export const percentageOf = (part: number, whole: number): number | null =>
  whole > 0 ? Math.floor((part * 10_000) / whole + 0.5) / 100 : null
