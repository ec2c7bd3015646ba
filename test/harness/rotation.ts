/**
 * @module Rotates the key of many credentials while writers change and read them, with `keys rotate` as real processes:
 * some are killed, then two run concurrently.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Client } from 'pg'
import { KeyRingText, openRing, type KeyRing } from '../../src/crypto/key-ring.ts'
import type { KmsSettings } from '../../src/crypto/kms/wrapped-key.ts'
import type { Db } from '../../src/db/client.ts'
import { rowsLeft } from '../../src/db/key-rotation.ts'
import { communityCredential, fixture } from '../credentials/fixture.ts'
import { keyOf, randomRing } from '../crypto/rings.ts'
import { type FakeKms, wrapWith } from './kms/services.ts'

const program = join(import.meta.dirname, '../../bin/flowkeep.js')
const name = 'CREDENTIAL_KEYS'

export interface RotationOptions {
  db: Db
  postgresUrl: string
  /** All other variables of a server. */
  env: Record<string, string>
  rows: number
  writers: number
  kills: number
  /** Wraps both keys of the ring. */
  kms?: FakeKms
}

export interface RotationFigures {
  writes: number
  reads: number
  readErrors: number
  lostUpdates: number
  /** Rows on the old key after each kill, and at the end. */
  left: number[]
  /** Exit codes of the processes that were not killed. */
  exitCodes: (number | null)[]
  rewrapped: number
}

export async function rotateUnderLoad(options: RotationOptions): Promise<RotationFigures> {
  const { db, postgresUrl, rows, writers, kills, kms } = options
  const plain = randomRing('k1', 'k2')
  const entry = async (id: string) =>
    kms
      ? wrapWith(kms, keyOf(plain, id), { ring: name, id })
      : Buffer.from(keyOf(plain, id)).toString('base64')
  const keys = { k1: await entry('k1'), k2: await entry('k2') }
  const settings: KmsSettings = kms?.settings ?? {}
  const ringOf = (active: string, only: object = keys): KeyRing =>
    openRing(name, KeyRingText.parse(JSON.stringify({ active, keys: only })), settings)
  const env = {
    PATH: process.env['PATH'] ?? '',
    ...options.env,
    ...Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)),
    DATABASE_URL: postgresUrl,
    [name]: JSON.stringify({ active: 'k2', keys }),
  }
  const quota = rows + 1
  const [before, after] = [ringOf('k1'), ringOf('k2')].map((ring) => fixture(db, { ring, quota }))
  if (!before || !after) throw new Error('No servers')

  const userId = await before.newUser()
  const ids: string[] = []
  const seed = async (first: number) => {
    for (let i = first; i < rows; i += writers) {
      const created = await before.credentials.create(
        userId,
        communityCredential(`c${i}`, { token: `of ${i}` }),
      )
      ids[i] = created?.id ?? ''
    }
  }
  await Promise.all(Array.from({ length: writers }, (_, first) => seed(first)))
  const expected = new Map(ids.map((id, i) => [id, `of ${i}`]))
  // A row that is locked stops the sweep there, so that each kill hits one that is at work.
  const sorted = ids.toSorted()
  const held = Array.from(
    { length: kills },
    (_, i) => sorted[Math.floor((rows * (i + 1)) / (kills + 1))] ?? '',
  )

  const figures: RotationFigures = {
    writes: 0,
    reads: 0,
    readErrors: 0,
    lostUpdates: 0,
    left: [],
    exitCodes: [],
    rewrapped: 0,
  }
  const ended = new AbortController()
  const write = async (writer: number) => {
    const own = ids.filter((id, i) => i % writers === writer && !held.includes(id))
    for (let i = 0; !ended.signal.aborted; i += 1) {
      const id = own[(i * 7) % own.length] ?? ''
      const token = `writer ${writer}, write ${i}`
      // A third of the writes come from a server that still seals with the old key.
      const updated = await (i % 3 === 0 ? before : after).credentials.update(userId, id, null, {
        data: { token },
      })
      if (updated) {
        expected.set(id, token)
        figures.writes += 1
      }
      await check(own[(i * 11) % own.length] ?? '', after)
    }
  }
  const check = async (id: string, server: typeof after) => {
    figures.reads += 1
    try {
      const opened = await server.credentials.open(userId, id)
      const token = (opened?.data.reveal() as { token: string } | undefined)?.token
      if (token !== expected.get(id)) figures.lostUpdates += 1
    } catch {
      figures.readErrors += 1
    }
  }
  const leftNow = async () => {
    const counts = await rowsLeft(db, 'k2')
    return Array.from(counts.values()).reduce((sum, each) => sum + each, 0)
  }

  const crowd = Array.from({ length: writers }, (_, writer) => write(writer))
  const lock = new Client({ connectionString: postgresUrl })
  await lock.connect()
  try {
    for (const id of held) {
      await lock.query('begin')
      await lock.query('select 1 from credentials where id = $1 for update', [id])
      await killedRotation(env)
      figures.left.push(await leftNow())
      await lock.query('rollback')
    }
    const both = await Promise.all([rotation(env), rotation(env)])
    ended.abort()
    await Promise.all(crowd)
    // What the server with the old key wrote last.
    for (const { code, rewrapped } of [...both, await rotation(env)]) {
      figures.exitCodes.push(code)
      figures.rewrapped += rewrapped
    }
    figures.left.push(await leftNow())
    const alone = fixture(db, { ring: ringOf('k2', { k2: keys.k2 }), quota })
    for (const id of ids) await check(id, alone)
  } finally {
    ended.abort()
    await Promise.allSettled(crowd)
    await lock.end()
  }
  return figures
}

function start(env: Record<string, string>) {
  return spawn(process.execPath, [program, 'keys', 'rotate', '--json'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Kills the process after its first page. */
async function killedRotation(env: Record<string, string>): Promise<void> {
  const child = start(env)
  const closed = new Promise((resolve) => child.once('close', resolve))
  try {
    for await (const line of createInterface({ input: child.stderr })) if (line.includes('rewrapped')) break
  } finally {
    child.kill('SIGKILL')
    await closed
  }
}

async function rotation(env: Record<string, string>): Promise<{ code: number | null; rewrapped: number }> {
  const child = start(env)
  const output: string[] = []
  try {
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk.toString()))
    child.stderr.resume()
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
    const { rewrapped = 0 } = JSON.parse(output.join('') || '{}') as { rewrapped?: number }
    return { code, rewrapped }
  } finally {
    child.kill('SIGKILL')
  }
}
