import { v7 as uuidv7 } from 'uuid'
import { expect, test } from 'vitest'
import { createTickets, type TicketPurpose, ticketSeconds } from '../../src/crypto/ticket.ts'
import { randomRing } from './rings.ts'

const ring = randomRing('t1', 't2')
const clock = { now: new Date('2026-11-22T12:00:00Z') }
const issuer = 'https://flowkeep.test'
const tickets = createTickets(ring, issuer, () => clock.now)
const purposes: TicketPurpose[] = [
  'second-factor',
  'passkey-sign-in',
  'passkey-check',
  'passkey-registration',
]

test('a ticket is valid for its own purpose only', async () => {
  const subject = uuidv7()
  for (const purpose of purposes) {
    const ticket = await tickets.issue(purpose, subject, 'bound')
    for (const other of purposes) {
      const read = await tickets.read(other, ticket)
      expect([purpose, other, read?.subject]).toEqual([
        purpose,
        other,
        other === purpose ? subject : undefined,
      ])
    }
  }
})

test('a ticket of another server, another key or another form is not valid', async () => {
  const elsewhere = createTickets(ring, 'https://other.test', () => clock.now)
  expect(await tickets.read('second-factor', await elsewhere.issue('second-factor', 'a'))).toBeNull()
  const stranger = createTickets(randomRing('t1'), issuer, () => clock.now)
  expect(await tickets.read('second-factor', await stranger.issue('second-factor', 'a'))).toBeNull()
  const ticket = await tickets.issue('second-factor', 'a')
  for (const changed of ['', 'a.b.c', `${ticket}=`, `${ticket}A`, ticket.split('.').slice(0, 2).join('.')])
    expect(await tickets.read('second-factor', changed)).toBeNull()
})

test('a ticket expires after five minutes', async () => {
  const ticket = await tickets.issue('second-factor', 'a')
  const from = clock.now
  clock.now = new Date(from.getTime() + (ticketSeconds - 1) * 1000)
  expect(await tickets.read('second-factor', ticket)).toMatchObject({ subject: 'a', bound: '' })
  clock.now = new Date(from.getTime() + (ticketSeconds + 1) * 1000)
  expect(await tickets.read('second-factor', ticket)).toBeNull()
  clock.now = from
})
