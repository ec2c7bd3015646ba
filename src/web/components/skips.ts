/** @module Skip links: a page starts with links to those targets that it contains. */

/** IDs of targets and their names in links, in order. */
export const skips = [
  ['main', 'content'],
  ['attention', 'problems'],
  ['filters', 'filters'],
  ['results', 'results'],
] as const

/** Attributes of an element that a skip link leads to. One element per page and target. */
export const skipTarget = (id: (typeof skips)[number][0]) => ({ id, tabindex: -1 })
