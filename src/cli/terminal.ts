/** @module Progress and prompts on a terminal. They use stderr, so that stdout only contains results. */
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'

export const message = (line: string): void => void process.stderr.write(`${line}\n`)
export const result = (line: string): void => void process.stdout.write(`${line}\n`)
export const jsonResult = (value: unknown): void => result(JSON.stringify(value, null, 2))

/** Overwrites the previous line. Null without a terminal. */
export const progress: ((line: string) => void) | null = process.stderr.isTTY
  ? (line) => void process.stderr.write(`\r\u001b[K${line}`)
  : null

/** @param hidden disables echo */
export async function ask(question: string, hidden: boolean): Promise<string> {
  const { stdin, stderr } = process
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: hidden ? silent : stderr, terminal: stdin.isTTY })
  try {
    if (hidden) stderr.write(question)
    return await lines.question(hidden ? '' : question)
  } finally {
    if (hidden) stderr.write('\n')
    lines.close()
  }
}

/** `plural(1, 'run')` → "1 run", `plural(2, 'run')` → "2 runs". */
export const plural = (value: number, one: string): string => `${value} ${one}${value === 1 ? '' : 's'}`

export function bar(done: number, total: number): string {
  const width = 30
  const filled = Math.round((done / Math.max(1, total)) * width)
  return `[${'#'.repeat(filled)}${'.'.repeat(width - filled)}] ${done}/${total}`
}
