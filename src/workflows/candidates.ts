/** @module Selects the candidate credentials that a slot lists. Responses with many slots list fewer per slot. Pure. */
import type { AvailableCredential } from '../credentials/available.ts'
import type { ResolvedSlot } from './slot-bindings.ts'

export const candidatesMeaning =
  'Credentials of the type, newest first: all of them, or at least 10 where a workflow has many slots. ' +
  'listCredentials returns all credentials of a type'

/** Total in a response, about 2 MB of JSON. */
const maxListed = 20_000
const minPerSlot = 10

export const candidateLimit = (slots: number): number => Math.max(minPerSlot, Math.floor(maxListed / slots))

type Listed = Pick<AvailableCredential, 'id' | 'name' | 'status'>

/** Always includes the credential that fills the slot. */
export function listedCandidates({
  candidates,
  candidateLimit: limit,
  credential,
}: Pick<ResolvedSlot, 'candidates' | 'candidateLimit' | 'credential'>): Listed[] {
  const listed = candidates.slice(0, limit)
  if (listed.length < candidates.length && credential && 'credentialId' in credential) {
    const own = candidates.find(({ id }) => id === credential.credentialId)
    if (own && !listed.includes(own)) listed.splice(-1, 1, own)
  }
  return listed.map(({ id, name, status }) => ({ id, name, status }))
}
