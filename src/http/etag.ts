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
