/** A small version of bench/rotation.ts. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testEnvironment } from '../harness/app.ts'
import { createTestDatabase } from '../harness/database.ts'
import { fakeKms } from '../harness/kms/services.ts'
import { rotateUnderLoad } from '../harness/rotation.ts'

test('keys rotate, killed once and with keys wrapped by a KMS, loses no update and fails no read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flowkeep-rotation-'))
  const database = await createTestDatabase()
  const kms = await fakeKms('vault')
  try {
    const { postgresUrl } = database
    const env = testEnvironment({ FLOWKEEP_STATE: join(folder, 'state') })
    const figures = await rotateUnderLoad({
      db: database.db,
      postgresUrl,
      env,
      rows: 160,
      writers: 4,
      kills: 1,
      kms,
    })
    const [first = 0, end] = figures.left
    expect([first > 0, end]).toEqual([true, 0])
    expect(figures).toMatchObject({ readErrors: 0, lostUpdates: 0, exitCodes: [0, 0, 0] })
    expect(figures.writes).toBeGreaterThan(0)
  } finally {
    await kms.close()
    await database.close()
    await rm(folder, { recursive: true, force: true })
  }
}, 120_000)
