/** @module JSON as text for a form or a page. */
export const inputText = (value: unknown): string => JSON.stringify(value, null, 2)
