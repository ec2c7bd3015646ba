/** @module Parses, documents and runs all commands in the same way. */
import { parseArgs } from 'node:util'
import { distanceWithin } from '../lib/edit-distance.ts'
import { describeFailure, UsageError } from './failure.ts'
import { type VariableName, variables } from './variables.ts'

/** `partial`: the command did some of its work and reported what it skipped. */
export const exitCode = { success: 0, failure: 1, usage: 2, partial: 3 } as const

interface Option {
  type: 'boolean' | 'string'
  /** The value of a string option in help texts, such as `<folder>`. */
  value?: string
  summary: string
}

export interface Command {
  /** One word, or two for a command of a group, such as `users reset-password`. */
  name: string
  summary: string
  /** Details beyond the summary, in lines of at most 100 characters. */
  details?: string
  positionals?: { usage: string; min: number; max: number }
  options?: Record<string, Option>
  /** The environment variables that it reads. */
  environment?: readonly VariableName[]
  /** The meaning of exit code 3, for commands that can succeed partially. */
  partial?: string
  /** @returns the exit code; undefined means 0 */
  run: (input: CommandInput) => Promise<number | void>
}

export interface CommandInput {
  positionals: string[]
  flags: ReadonlySet<string>
  values: Readonly<Record<string, string>>
}

export interface Program {
  /** How to call it, such as `npm run flowkeep --`. */
  invocation: string
  version: string
  commands: readonly Command[]
  /** Likely wrong commands → the command to run instead. */
  elsewhere?: Readonly<Record<string, string>>
}

const common = {
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'V' },
} as const

/** Parses the arguments and runs the command. Messages go to stderr, results to stdout. @returns the exit code */
export async function runProgram(program: Program, args: readonly string[]): Promise<number> {
  try {
    return await dispatch(program, args)
  } catch (error) {
    process.stderr.write(`${describeFailure(error)}\n`)
    return error instanceof UsageError ? exitCode.usage : exitCode.failure
  }
}

async function dispatch(program: Program, args: readonly string[]): Promise<number> {
  const [first = 'help', ...rest] = args
  if (first === '--version' || first === '-V' || first === 'version') return print(program.version)
  if (['help', '--help', '-h'].includes(first)) {
    const topic = rest.filter((arg) => !arg.startsWith('-'))
    return print(topic.length === 0 ? programHelp(program) : helpOn(program, topic))
  }
  const group = program.commands.filter(({ name }) => name.startsWith(`${first} `))
  const command = program.commands.find(({ name }) => name === first)
  // A command can also be the first word of others, such as `backup` and `backup verify`.
  const isOfGroup = group.some(({ name }) => name === `${first} ${rest[0]}`)
  if (group.length > 0 && (isOfGroup || !command)) return inGroup(program, first, group, rest)
  if (!command) throw unknownCommand(program, first)
  return execute(program, command, rest)
}

/** Runs a program with a single command, such as `npm run demo`. */
export async function runSingle(program: Omit<Program, 'commands'>, command: Command, args: string[]) {
  const single = { ...program, commands: [command] }
  try {
    return await execute(single, command, args)
  } catch (error) {
    process.stderr.write(`${describeFailure(error)}\n`)
    return error instanceof UsageError ? exitCode.usage : exitCode.failure
  }
}

async function inGroup(program: Program, first: string, group: Command[], [verb, ...rest]: string[]) {
  const command = group.find(({ name }) => name === `${first} ${verb}`)
  if (command) return execute(program, command, rest)
  const overview = `Commands of "${first}":\n${table(group.map(usageRow))}`
  if (verb === undefined) throw new UsageError(overview)
  if (verb === '--help' || verb === '-h') return print(overview)
  throw unknownCommand({ ...program, commands: group }, `${first} ${verb}`)
}

async function execute(program: Program, command: Command, args: readonly string[]): Promise<number> {
  const input = parse(program, command, args)
  if (input.flags.has('help')) return print(commandHelp(program, command))
  if (input.flags.has('version')) return print(program.version)
  const { min = 0, max = 0 } = command.positionals ?? {}
  const count = input.positionals.length
  if (count < min)
    throw usageError(program, command, `Missing ${command.positionals?.usage.replace('…', '')}`)
  if (count > max) {
    throw usageError(program, command, `Unexpected argument "${printable(input.positionals[max] ?? '')}"`)
  }
  return (await command.run(input)) ?? exitCode.success
}

function parse(program: Program, command: Command, args: readonly string[]): CommandInput {
  const options = Object.fromEntries(
    Object.entries(command.options ?? {}).map(([name, { type }]) => [name, { type }]),
  )
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...options, ...common },
      allowPositionals: true,
    })
    const entries = Object.entries(values)
    return {
      positionals,
      flags: new Set(entries.flatMap(([name, value]) => (typeof value === 'string' ? [] : [name]))),
      values: Object.fromEntries(
        entries.flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
      ),
    }
  } catch (error) {
    throw usageError(program, command, parseFailure(error, Object.keys({ ...options, ...common })))
  }
}

/** Removes the explanation of escaping from the messages of `parseArgs`. */
function parseFailure(error: unknown, known: string[]): string {
  const message = error instanceof Error ? error.message : String(error)
  const [first = message] = message.split(/\. (?:To specify|Did you)|\n/)
  const isUnknown =
    error instanceof Error && 'code' in error && error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION'
  if (!isUnknown) return printable(first)
  const option = /'(--?[^']*)'/.exec(message)?.[1] ?? ''
  return `Unknown option ${printable(option)}.${suggestion(option.replace(/^-+/, ''), known, '--')}`
}

function usageError(program: Program, { name }: Command, problem: string): UsageError {
  const command = [program.invocation, ...(program.commands.length > 1 ? [name] : [])].join(' ')
  return new UsageError(
    `${/[.?]$/.test(problem) ? problem : `${problem}.`}\nRun \`${command} --help\` for its arguments and options.`,
  )
}

function unknownCommand(program: Program, name: string): UsageError {
  const elsewhere = program.elsewhere?.[name]
  const hint = elsewhere
    ? ` Run \`${elsewhere}\` instead.`
    : suggestion(
        name,
        program.commands.map((command) => command.name),
      )
  return new UsageError(
    `Unknown command "${printable(name)}".${hint}\nRun \`${program.invocation} help\` for the list of commands.`,
  )
}

/** The most similar of `names`: at most two edits away, or with the input as its prefix. */
function suggestion(given: string, names: readonly string[], prefix = ''): string {
  const most = given.length < 4 ? 1 : 2
  const ranked = names
    .map((name) => ({ name, distance: distanceWithin(given.toLowerCase(), name, most) }))
    .filter(
      ({ name, distance }) => distance <= most || (given.length >= 3 && name.startsWith(given.toLowerCase())),
    )
    .toSorted((a, b) => a.distance - b.distance)
  const [nearest] = ranked
  return nearest ? ` Did you mean ${prefix}${nearest.name}?` : ''
}

function helpOn(program: Program, topic: string[]): string {
  const name = topic.join(' ')
  const command = program.commands.find((each) => each.name === name)
  if (command) return commandHelp(program, command)
  const group = program.commands.filter((each) => each.name.startsWith(`${name} `))
  if (group.length === 0) throw unknownCommand(program, name)
  return `Commands of "${name}":\n${table(group.map(usageRow))}`
}

const usageOf = ({ name, positionals, options }: Command): string =>
  [name, ...(options ? ['[options]'] : []), ...(positionals ? [positionals.usage] : [])].join(' ')

const usageRow = (command: Command): [string, string] => [usageOf(command), command.summary]

function programHelp({ invocation, version, commands }: Program): string {
  return [
    `Flowkeep ${version}`,
    `Usage: ${invocation} <command> [options]`,
    `Commands:\n${table(commands.map(usageRow))}`,
    `Global options:\n${table([
      ['-h, --help', 'Show help for a command'],
      ['-V, --version', 'Show the version'],
    ])}`,
    exitCodes('Partial success: the messages list what was skipped'),
    'Variables are read from the environment, then from the .env file in the current folder.\n' +
      'docs/configuration.md describes all of them.',
  ].join('\n\n')
}

function commandHelp(program: Program, command: Command): string {
  const { summary, details, options = {}, environment = [], partial } = command
  const usage =
    program.commands.length > 1 ? usageOf(command) : usageOf(command).slice(command.name.length).trim()
  const rows = Object.entries(options).map(([name, { value, summary }]): [string, string] => [
    `--${name}${value ? ` ${value}` : ''}`,
    summary,
  ])
  return [
    `Usage: ${program.invocation} ${usage}`.trimEnd(),
    `${summary}.`,
    ...(details ? [details] : []),
    `Options:\n${table([...rows, ['-h, --help', 'Show this help']])}`,
    ...(environment.length > 0
      ? [`Environment:\n${table(environment.map((name) => [name, variables[name]]))}`]
      : []),
    exitCodes(partial),
  ].join('\n\n')
}

const exitCodes = (partial: string | undefined): string =>
  `Exit codes:\n${table([
    ['0', 'Success'],
    ['1', 'Failure'],
    ['2', 'Invalid arguments, options or environment variables'],
    ...(partial === undefined ? [] : [['3', partial] satisfies [string, string]]),
  ])}`

function table(rows: [string, string][]): string {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n')
}

function print(text: string): number {
  process.stdout.write(`${text}\n`)
  return exitCode.success
}

/** Removes control characters from untrusted text, such as arguments, file names and responses. */
export const printable = (text: string): string => text.replaceAll(/\p{Cc}+/gu, ' ').slice(0, 500)
