/** @module The bundled worker with the queue of `wrangler.toml`, and a consumer that dies in the middle of batches. */
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { wranglerBin, wranglerEnv } from '../../src/cli/server/wrangler.ts'

Object.assign(process.env, wranglerEnv())
const { createTestHarness } = await import('wrangler')

const root = join(import.meta.dirname, '../..')

/** Hands over half of a batch, stores the other half without acknowledging it, and dies. */
const dyingConsumer = `
import app from './app.js'
let batches = 0
const unacknowledged = ({ body, attempts }) => ({ body, attempts, ack() {}, retry() {} })
export default {
  ...app,
  async queue(batch, env) {
    batches += 1
    if (!env.DIES_AT.split(',').includes(String(batches))) {
      await app.queue(batch, env)
      return console.log('Consumed', batch.messages.length)
    }
    const half = batch.messages.length >> 1
    await app.queue({ messages: batch.messages.slice(0, half) }, env)
    await app.queue({ messages: batch.messages.slice(half).map(unacknowledged) }, env)
    console.log('The consumer died')
    throw new Error('Died')
  },
}
`

export interface QueueWorkerOptions {
  secrets: Record<string, string>
  /** Batches in whose middle the consumer dies. */
  diesAt: number[]
}

export async function startQueueWorker({ secrets, diesAt }: QueueWorkerOptions) {
  const folder = await mkdtemp(join(tmpdir(), 'flowkeep-queue-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    const built = spawnSync(process.execPath, [wranglerBin(), 'deploy', '--dry-run', '--outdir', folder], {
      cwd: root,
      env: wranglerEnv(),
      encoding: 'utf8',
    })
    if (built.status !== 0) throw new Error(`The worker does not build:\n${built.stdout}${built.stderr}`)
    await rename(join(folder, 'worker.js'), join(folder, 'app.js'))
    await writeFile(join(folder, 'worker.js'), dyingConsumer)
    const configPath = join(folder, 'wrangler.toml')
    await writeFile(configPath, withQueue(await readFile(join(root, 'wrangler.toml'), 'utf8'), root))
    const server = createTestHarness({
      root,
      workers: [
        {
          configPath,
          env: 'production',
          prebuiltWorkerDir: folder,
          secrets: { ...secrets, DIES_AT: diesAt.join(',') },
        },
      ],
    })
    await server.listen()
    return {
      fetch: server.fetch.bind(server),
      logs: () => server.getLogs().map(({ message }) => message),
      close: async () => {
        await server.close()
        await remove()
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}

/** `wrangler.toml` with the example of a queue as settings, and without waiting. */
export const withQueue = (toml: string, folder: string): string =>
  toml
    .replaceAll(
      /^# (?=(\[\[env\.production\.queues|queue|binding = "REPORT|max_|retry_delay|dead_letter))/gm,
      '',
    )
    .replace('retry_delay = 10', 'retry_delay = 0')
    .replace('max_batch_timeout = 2', 'max_batch_timeout = 1')
    .replace('"dist/worker/worker.js"', JSON.stringify(join(folder, 'dist/worker/worker.js')))
    .replace('"./public"', JSON.stringify(join(folder, 'public')))
