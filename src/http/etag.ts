import { sha256, toBase64 } from '../lib/encoding.ts'
import { AppError } from '../errors.ts'

export const etag = (version: number): string => `"${version}"`

const digestBytes = 9

/**
 * ETag of a representation that also shows unversioned state. Equals the plain version tag while `state` equals
 * `initial`; otherwise a digest of `state` follows the version. `If-Match` compares the version only.
 * @param state the part that changes without a new version
 * @param initial its value in a new resource
 */
export async function etagWith<T extends object>(version: number, state: T, initial: T): Promise<string> {
  const text = JSON.stringify(state)
  if (text === JSON.stringify(initial)) return etag(version)
  return `"${version}-${await digest(text)}"`
}

/** ETag of a text that changes with the release only. */
export const etagOf = async (text: string): Promise<string> => `"${await digest(text)}"`

const digest = async (text: string): Promise<string> =>
  toBase64(await sha256(text, digestBytes))
    .replaceAll('+', '_')
    .replaceAll('/', '.')

/** A version, with the optional digest from `etagWith`. */
const versionTag = /^(?:W\/)?"(\d{1,9})(?:-[\w.]+)?"$/

/**
 * The version in an `If-Match` header; null for `*`. Accepts weak tags, because compressing proxies weaken them
 * (RFC 9110 §13.1.1 would reject them).
 * @throws {AppError} `precondition-required` without the header, `version-conflict` when the tag is not a version
 */
export function expectedVersion(ifMatch: string | undefined): number | null {
  if (ifMatch === undefined || ifMatch.trim() === '') {
    throw new AppError(
      'precondition-required',
      'Send an If-Match header with the current ETag, such as If-Match: "3"',
    )
  }
  const value = ifMatch.trim()
  if (value === '*') return null
  const match = versionTag.exec(value)
  if (!match) {
    throw new AppError(
      'version-conflict',
      'If-Match does not match any version of this resource. Read it again and send its ETag',
    )
  }
  return Number(match[1])
}

/**
 * The version that `If-Match` requires; null for `*`. For a list of tags, the current version if the list includes it.
 * @param current reads the resource; called only for lists
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

/** Whether `If-None-Match`, a list or `*`, includes the tag. Weak comparison (RFC 9110 §13.1.2). */
export function isNoneMatch(ifNoneMatch: string | undefined, tag: string): boolean {
  const tags = tagsIn(ifNoneMatch ?? '')
  return tags.some((each) => each === '*' || opaque(each) === opaque(tag))
}

const opaque = (tag: string): string => tag.replace(/^W\//, '')

/** Splits `"1", W/"3"` or `*`. Our tags contain no commas. */
const tagsIn = (header: string): string[] =>
  header
    .split(',')
    .map((tag) => tag.trim())
    .filter(Boolean)
