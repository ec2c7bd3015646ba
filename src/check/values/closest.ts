/** @module "Did you mean": the one legal name that a misspelled one stands for. */
import { distanceWithin } from '../../lib/edit-distance.ts'

interface Labelled {
  name?: string
  value?: unknown
}

const plain = (text: string): string => text.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')

const digitsOf = (text: string): string => text.replaceAll(/\D/g, '')

/**
 * By case and punctuation, by label, then by spelling. Undefined unless exactly one is meant.
 * @param labelled the legal values with their labels
 */
export function closest(
  given: string,
  legal: Iterable<string>,
  labelled: readonly Labelled[] = [],
): string | undefined {
  if (given.length > 64) return undefined
  const all = [...new Set(legal)]
  const wanted = plain(given)
  if (wanted === '') return undefined
  const only = (found: string[]): string | undefined => (found.length === 1 ? found[0] : undefined)
  const same = all.filter((each) => plain(each) === wanted)
  if (same.length > 0) return only(same)
  const byLabel = labelled.filter(({ name = '' }) => plain(name) === wanted).map(({ value }) => String(value))
  const named = [...new Set(byLabel)].filter((each) => all.includes(each))
  if (named.length > 0) return only(named)
  const most = wanted.length >= 7 ? 2 : wanted.length >= 4 ? 1 : 0
  // Other digits have another meaning: every5Minutes is not everyMinute.
  const digits = digitsOf(wanted)
  for (let distance = 1; distance <= most; distance += 1) {
    const near = all.filter(
      (each) => digitsOf(plain(each)) === digits && distanceWithin(wanted, plain(each), distance) <= distance,
    )
    if (near.length > 0) return only(near)
  }
  const swapped = all.filter((each) => isSwapped(wanted, plain(each)))
  if (swapped.length > 0) return only(swapped)
  const ending = wanted.length >= 6 ? all.filter((each) => plain(each).endsWith(wanted)) : []
  if (ending.length > 0) return only(ending)
  return wanted.length >= 10 ? only(all.filter((each) => plain(each).startsWith(wanted))) : undefined
}

/** Two adjacent letters are swapped. */
function isSwapped(a: string, b: string): boolean {
  if (a.length !== b.length || a.length < 4) return false
  let at = 0
  while (at < a.length && a[at] === b[at]) at += 1
  return a.slice(0, at) + a.charAt(at + 1) + a.charAt(at) + a.slice(at + 2) === b
}
