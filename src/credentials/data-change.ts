/** @module Validates credential data and merges changes into it. */
import { requireNone } from '../errors.ts'
import { mergePatch } from '../lib/merge-patch.ts'
import type { Catalogue } from '../n8n/catalogue/catalogue.ts'
import { checkCredentialData } from '../n8n/catalogue/credential-data.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { maximumFields } from './contract.ts'

type Data = Record<string, unknown>

/** The size limit of a request body does not bound the sum of many changes. */
const maximumDataChars = 64 * 1024

/** @throws {AppError} `invalid` when the data does not fit the type */
export function requireFit(catalogue: Catalogue, type: string, data: Data): void {
  const errors = checkCredentialData(catalogue, type, data)
  if (Object.keys(data).length > maximumFields) {
    errors.push({ pointer: '/data', detail: `has more than ${maximumFields} fields` })
  } else if (JSON.stringify(data).length > maximumDataChars) {
    errors.push({ pointer: '/data', detail: 'exceeds 64 KB' })
  }
  requireNone(errors)
}

/** `stored` with `patch` merged into it (RFC 7396); undefined when that changes nothing. */
export function changedData(stored: Data, patch: Data): Data | undefined {
  const merged = mergePatch(stored, patch)
  return canonicalJson(merged) === canonicalJson(stored) ? undefined : merged
}
