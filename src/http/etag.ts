import { AppError } from '../errors.ts'

export const etag = (version: number): string => `"${version}"`

const digestBytes = 9

/**
 * The tag of a representation that shows more than its version decides: the version alone while `state` is as it was
 * when the resource was created, else with a digest of it. `If-Match` compares the version only.
 * @param state what changes without another version
 * @param initial the same of a new resource
 */
export async function etagWith<T extends object>(version: number, state: T, initial: T): Promise<string> {
  const text = JSON.stringify(state)
  if (text === JSON.stringify(initial)) return etag(version)
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  const short = btoa(String.fromCharCode(...digest.slice(0, digestBytes)))
  return `"${version}-${short.replaceAll('+', '_').replaceAll('/', '.')}"`
}

/** A version, with the digest that `etagWith` adds. */
const versionTag = /^(?:W\/)?"(\d{1,9})(?:-[\w.]+)?"$/

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
  const match = versionTag.exec(value)
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
  if (stored && tags.some((tag) => Number(versionTag.exec(tag)?.[1]) === stored.version))
    return stored.version
  const known = tags.find((tag) => versionTag.test(tag))
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
