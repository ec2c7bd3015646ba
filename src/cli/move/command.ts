/** @module `flowkeep users move`: moves an account to another database. */
import type { CommandInput } from '../command.ts'
import { UsageError } from '../failure.ts'
import { openDatabase, openExistingDatabase } from '../operate/database.ts'
import { configuredRings } from '../operate/key-rings.ts'
import { jsonResult, message, plural, progress, result } from '../terminal.ts'
import { abortMove, moveUser } from './move-user.ts'

export async function moveUserCommand({ positionals, flags, values }: CommandInput): Promise<void> {
  const email = positionals[0] ?? ''
  const url = values['url'] === undefined ? null : originOf(values['url'])
  if (flags.has('resume') && flags.has('abort')) throw new UsageError('Use --resume or --abort, not both.')
  if (url === null && !flags.has('resume') && !flags.has('abort'))
    throw new UsageError('Set --url to the URL of the server that uses the target database.')
  const targetUrl = process.env.TARGET_DATABASE_URL
  if (!targetUrl) throw new UsageError('Set TARGET_DATABASE_URL to the database that receives the account.')
  const from = openExistingDatabase()
  const to = openDatabase(targetUrl, 'TARGET_DATABASE_URL')
  try {
    await Promise.all([from.opened(), to.opened()])
    const ends = { source: from.connect(), target: to.connect() }
    if (flags.has('abort')) {
      const aborted = await abortMove({ ...ends, email, onStep: message })
      if (flags.has('json')) return jsonResult({ ...aborted, aborted: true })
      return result(`The move of ${aborted.email} was aborted. Nothing is left in ${to.description}.`)
    }
    const moved = await moveUser({
      ...ends,
      email,
      url,
      rings: configuredRings(),
      isResumed: flags.has('resume'),
      onStep: progress === null ? message : () => undefined,
      onProgress: progress,
    })
    progress?.('')
    if (flags.has('json')) return jsonResult(moved)
    for (const { table, rows } of moved.tables) result(`${table}: ${plural(rows, 'row')}, equal`)
    result(`${moved.email} was moved to ${moved.url}.`)
  } finally {
    progress?.('')
    await from.close()
    await to.close()
  }
}

function originOf(value: string): string {
  if (!/^https?:\/\//.test(value) || !URL.canParse(value))
    throw new UsageError('--url is not an HTTP or HTTPS URL.')
  return value.replace(/\/+$/, '')
}
