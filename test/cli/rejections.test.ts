import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const module = pathToFileURL(join(root, 'src/cli/server/rejections.ts')).href

/** A process in which a promise rejects unawaited, and that prints `alive` afterwards. */
const run = (before: string) =>
  spawnSync(
    process.execPath,
    [
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      `${before}
      Promise.reject(new TypeError('planted-secret'))
      setTimeout(() => console.log('alive'), 50)`,
    ],
    { cwd: root, encoding: 'utf8' },
  )

test('a promise that rejects unawaited ends a process by default', () => {
  expect(run('').stdout).not.toContain('alive')
})

test('a server logs the name of the error without its message, and stays up', () => {
  const { status, stdout, stderr } = run(`
    const { surviveRejections } = await import('${module}')
    surviveRejections((...line) => console.log(JSON.stringify(line)))`)
  expect(stdout.trim().split('\n')).toEqual([
    '["error","unhandled-rejection",{"errorName":"TypeError"}]',
    'alive',
  ])
  expect([status, stderr]).toEqual([0, ''])
})
