/** Runs every command of README.md and docs/, page by page. Blocks with the fence ```sh no-test do not run. */
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import pLimit from 'p-limit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fixtureOf } from './fixtures.ts'
import { createWorkplace, runCommands } from './page-run.ts'
import { commandsIn, shellBlocks } from './shell-blocks.ts'

const root = resolve(import.meta.dirname, '../..')
const pages = ['README.md', ...globSync('docs/**/*.md', { cwd: root }).toSorted()]
  .map((page) => ({ page, blocks: shellBlocks(readFileSync(join(root, page), 'utf8')) }))
  .filter(({ blocks }) => blocks.length > 0)
const commandsOf = (runs: boolean) =>
  pages.flatMap(({ blocks }) =>
    blocks.filter((block) => block.runs === runs).flatMap(({ commands }) => commands),
  )

const missing = ['bash', 'curl'].filter((name) => spawnSync(name, ['--version']).status !== 0)

/** Two pages at a time: more would take the memory of a small machine. */
const limit = pLimit(2)
let run = 0

/** @returns the number of commands that ran */
async function runPage(page: string, commands: readonly string[]): Promise<number> {
  const closing: (() => Promise<unknown>)[] = []
  const place = await createWorkplace()
  try {
    const { env, examples } = await fixtureOf(page)(place, closing)
    const mapped = Object.entries({ ...examples, 8787: String(place.port) })
    const localized = commands.map((command) =>
      mapped.reduce((text, [example, actual]) => text.replaceAll(example, actual), command),
    )
    await runCommands(place, localized, env)
    run += commands.length
    return commands.length
  } finally {
    await place.close()
    for (const close of closing) await close()
  }
}

describe.skipIf(missing.length > 0)(
  `the commands of the documentation${missing.map((name) => ` (left out: no ${name})`).join('')}`,
  () => {
    beforeAll(() => {
      const built = spawnSync('npm', ['run', '--silent', 'build:worker'], { cwd: root, encoding: 'utf8' })
      if (built.status !== 0) throw new Error(`The worker does not build:\n${built.stderr}`)
    })

    // Includes the time that a page waits for others.
    describe('run', { concurrent: true, timeout: 30 * 60_000 }, () => {
      const runnable = pages.map(({ page, blocks }) => ({
        page,
        commands: blocks.filter(({ runs }) => runs).flatMap(({ commands }) => commands),
      }))
      test.each(runnable.filter(({ commands }) => commands.length > 0))(
        'in $page',
        async ({ page, commands }) => {
          expect(await limit(() => runPage(page, commands))).toBe(commands.length)
        },
      )
    })

    afterAll(() => {
      console.log(`docs: ${run} commands run, ${commandsOf(false).length} marked no-test`)
    })

    test('contain no placeholder if they run', () => {
      expect(commandsOf(true).filter((command) => /…|<\w+>/.test(command))).toEqual([])
    })

    test('run, with few exceptions', () => {
      expect(commandsOf(true).length).toBeGreaterThan(2 * commandsOf(false).length)
    })
  },
)

describe('commandsIn', () => {
  test.each([
    ['a\nb # c\n\n# d\ne', ['a', 'b # c', 'e']],
    ['curl -d \'{\n  "a": 1\n}\' b\nc', ['curl -d \'{\n  "a": 1\n}\' b', 'c']],
    ['a \\\n  b\nc', ['a \\\n  b', 'c']],
    ['a | \n  b &&\nc\nd', ['a |\n  b &&\nc', 'd']],
    ['echo "it\'s # here"\nb', ['echo "it\'s # here"', 'b']],
    ["a # it's a comment\nb", ["a # it's a comment", 'b']],
    ['a "\\""\nb', ['a "\\""', 'b']],
  ])('splits %j', (text, commands) => {
    expect(commandsIn(text)).toEqual(commands)
  })
})

test.skipIf(missing.length > 0)('a command that fails fails its page, with its output', async () => {
  const place = await createWorkplace()
  try {
    const failing = runCommands(
      place,
      ['echo first', 'node -e "console.error(123); process.exit(3)"', 'echo never'],
      {},
    )
    await expect(failing).rejects.toThrow(/^Exit code 3: node -e .*\n123\n$/)
    const refused = runCommands(place, ['curl http://127.0.0.1:1/'], {})
    await expect(refused).rejects.toThrow('Exit code 7: curl')
    const stopped = runCommands(place, ['npm run dev -- --unknown'], {})
    await expect(stopped).rejects.toThrow('The server ended.')
  } finally {
    await place.close()
  }
})
