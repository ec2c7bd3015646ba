/** @module Text that Postgres can store: without U+0000 and lone surrogates. */

export const hasNul = (text: string): boolean => text.includes('\0')

export const isStorable = (text: string): boolean => !hasNul(text) && text.isWellFormed()

/** Removes U+0000 and replaces lone surrogates. */
export const toStorable = (text: string): string => text.replaceAll('\0', '').toWellFormed()
