/** @module Unicode normalization in linear time. */

/**
 * More marks on one letter than any language has. Normalization sorts them, in a time that grows with the square of
 * their number. Unicode's own limit is 30 (UAX #15, stream-safe text).
 */
const manyMarks = /\p{M}{40}/u

/** The text in a normal form. Leaves text unchanged that has 40 combining marks in a row. */
export const normalForm = (text: string, form: 'NFC' | 'NFKC' | 'NFKD'): string =>
  manyMarks.test(text) ? text : text.normalize(form)
