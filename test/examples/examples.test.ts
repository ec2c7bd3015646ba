/** Runs the examples unchanged against a server. */
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { createAdaptorServer } from '@hono/node-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildClient } from '../../scripts/build-client.ts'
import { offlineDocument } from '../../scripts/openapi.ts'
import { useTestApp } from '../harness/app.ts'

const root = resolve(import.meta.dirname, '../..')
const world = useTestApp()
let server: Server
let url: string

beforeAll(async () => {
  server = createAdaptorServer({ fetch: world.app.fetch }) as Server
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
})

async function run(command: string, args: string[], cwd: string) {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, FLOWKEEP_URL: url },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | null>((done) => child.once('close', done))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { status: await ended, stdout, stderr }
}

const hasCurl = spawnSync('curl', ['--version']).status === 0

describe('examples', () => {
  test.skipIf(!hasCurl)('curl.sh saves a workflow, completes it and reads its success rate', async () => {
    const { status, stdout, stderr } = await run('sh', ['examples/curl.sh'], root)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout.match(/Ready: \w+/g)).toEqual(['Ready: false', 'Ready: true'])
    expect(stdout).toContain('Success rate: 50% of 2 runs')
  })

  test.skipIf(!hasCurl)('curl.sh stops at the first problem and prints it', async () => {
    const child = spawnSync('sh', ['examples/curl.sh'], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, FLOWKEEP_URL: 'http://127.0.0.1:1' },
    })
    expect(child.status).toBe(1)
    expect(child.stderr).toContain('POST /v1/auth/register failed')
    expect(child.stdout).not.toContain('Registered')
  })

  test('client.ts resolves a conflict, reports runs and lists them, with the client as it is built', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flowkeep-example-'))
    try {
      const client = join(folder, 'node_modules/@flowkeep/client')
      for (const name of ['src', 'package.json', 'tsconfig.json']) {
        cpSync(join(root, 'packages/client', name), join(client, name), { recursive: true })
      }
      await buildClient(await offlineDocument(), client)
      cpSync(join(root, 'examples/client.ts'), join(folder, 'client.ts'))
      writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
      const types = join(root, 'node_modules/@types')
      const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2024']
      const checked = await run(
        process.execPath,
        [
          join(root, 'node_modules/typescript/bin/tsc'),
          ...options,
          '--typeRoots',
          types,
          '--types',
          'node',
          'client.ts',
        ],
        folder,
      )
      expect(checked).toEqual({ status: 0, stdout: '', stderr: '' })
      const { status, stdout, stderr } = await run(process.execPath, ['client.ts'], folder)
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      expect(stdout).toContain('Resolved a conflict: version 3')
      expect(stdout).toMatch(/Missing: Slack API\nMissing: nothing\n/)
      expect(stdout.match(/Run \d: (success|error, channel_not_found)/g)).toHaveLength(4)
      expect(stdout).toContain('Success rate: 75% of 4 runs')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
