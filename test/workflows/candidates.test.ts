import { expect, test } from 'vitest'
import { candidateLimit, listedCandidates } from '../../src/workflows/candidates.ts'

const held = Array.from({ length: 1000 }, (_, index) => ({
  id: `c${index}`,
  type: 'httpHeaderAuth',
  name: `Key ${index}`,
  status: 'valid' as const,
  usable: true,
}))
const listed = (slots: number, credentialId?: string) =>
  listedCandidates({
    candidates: held,
    candidateLimit: candidateLimit(slots),
    credential: credentialId === undefined ? null : { credentialId },
  }).map(({ id }) => id)

test('a workflow with few slots lists every candidate', () => {
  expect(listed(20)).toEqual(held.map(({ id }) => id))
})

test('5,000 slots list the newest ten candidates and the bound one', () => {
  const newest = held.slice(0, 10).map(({ id }) => id)
  expect(listed(5000)).toEqual(newest)
  expect(listed(5000, 'c3')).toEqual(newest)
  expect(listed(5000, 'c999')).toEqual([...newest.slice(0, 9), 'c999'])
  expect(listed(5000, 'deleted')).toEqual(newest)
})
