/** @module Lists with a limit. Read one row more than the limit, so that a list of exactly `limit` is complete. */

export interface CutList<T> {
  items: T[]
  /** There are more. */
  isCut: boolean
}

/** @param rows at most `limit + 1` of them */
export const cutList = <T>(rows: readonly T[], limit: number): CutList<T> => ({
  items: rows.slice(0, limit),
  isCut: rows.length > limit,
})
