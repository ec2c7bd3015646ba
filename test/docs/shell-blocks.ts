/** @module The commands of a page: blocks with the fence ```sh run, blocks with ```sh no-test do not. */

export interface ShellBlock {
  /** Of the fence, from 1. */
  line: number
  commands: string[]
  runs: boolean
}

export function shellBlocks(markdown: string): ShellBlock[] {
  const fences = markdown.matchAll(/^( *)```sh( no-test)?\n([\s\S]*?)^\1```$/gm)
  return Array.from(fences, ({ index, 2: noTest, 3: text = '' }) => ({
    line: markdown.slice(0, index).split('\n').length,
    commands: commandsIn(text),
    runs: noTest === undefined,
  }))
}

/** Splits at line ends, except within quotes, after a backslash and after an operator. Omits comments. */
export function commandsIn(text: string): string[] {
  const commands: string[] = []
  let pending = ''
  for (const line of text.split('\n')) {
    pending = pending === '' ? line.trim() : `${pending}\n${line}`
    if (pending === '' || (pending.startsWith('#') && !pending.includes('\n'))) pending = ''
    else if (!isOpen(pending)) {
      commands.push(pending)
      pending = ''
    }
  }
  if (pending !== '') throw new Error(`The command is incomplete: ${pending}`)
  return commands
}

function isOpen(command: string): boolean {
  let quote = ''
  let rest = ''
  for (let at = 0; at < command.length; at++) {
    const character = command[at] ?? ''
    if (quote === '' && character === '#' && /\s/.test(command[at - 1] ?? '')) break
    rest += character
    if (character === '\\' && quote !== "'") {
      at++
      if (at === command.length) return true
    } else if (quote === '' && (character === '"' || character === "'")) quote = character
    else if (character === quote) quote = ''
  }
  return quote !== '' || /(\\|&&|\|)\s*$/.test(rest)
}
