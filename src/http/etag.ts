import { AppError } from '../errors.ts'

export const etag = (version: number): string => `"${version}"`

/**
 * The version that an `If-Match` names; null for `*`. A weak tag counts as its strong form, because proxies that
 * compress weaken tags on the way (RFC 9110 §13.1.1 would refuse it).
 * @throws {AppError} `precondition-required` without the header, `version-conflict` when it can match nothing
 */
export function expectedVersion(ifMatch: string | undefined): number | null {
  if (ifMatch === undefined || ifMatch.trim() === '') {
    throw new AppError(
      'precondition-required',
      'Send If-Match with the ETag that you read, such as If-Match: "3"',
    )
  }
  const value = ifMatch.trim()
  if (value === '*') return null
  const match = /^(?:W\/)?"(\d{1,9})"$/.exec(value)
  if (!match) {
    throw new AppError('version-conflict', 'If-Match is not a version that this resource ever had')
  }
  return Number(match[1])
}

/**
 * The version that a request's `If-Match` asks for: null for `*`; of a list, the current one where it is named.
 * @param current reads the resource; called for lists only
 * @throws {AppError} as `expectedVersion`
 */
export async function preconditionOf(
  ifMatch: string | undefined,
  current: () => Promise<{ version: number } | null>,
): Promise<number | null> {
  const tags = tagsIn(ifMatch ?? '')
  if (tags.length < 2) return expectedVersion(ifMatch)
  const stored = await current()
  if (stored && tags.some((tag) => opaque(tag) === etag(stored.version))) return stored.version
  const known = tags.find((tag) => /^(?:W\/)?"\d{1,9}"$/.test(tag))
  return expectedVersion(known ?? tags[0])
}

/** Whether `If-None-Match` names the tag: a list or `*`, compared weakly (RFC 9110 §13.1.2). */
export function isNoneMatch(ifNoneMatch: string | undefined, tag: string): boolean {
  const tags = tagsIn(ifNoneMatch ?? '')
  return tags.some((each) => each === '*' || opaque(each) === opaque(tag))
}

const opaque = (tag: string): string => tag.replace(/^W\//, '')

/** `"1", W/"3"` or `*`; tags hold no comma here. */
const tagsIn = (header: string): string[] =>
  header
    .split(',')
    .map((tag) => tag.trim())
    .filter(Boolean)
