/** @module `npm run flowkeep -- <command>`: one table of commands, each loaded when it is asked for. */
import { databaseError, isStatementFailure } from '../db/errors.ts'

interface Command {
  usage: string
  summary: string
  run: (args: string[]) => Promise<void>
}

const commands: Record<string, Command> = {
  dev: {
    usage: 'dev [--node]',
    summary: 'start the server on the embedded database, or on DATABASE_URL',
    run: async (args) => (await import('./dev.ts')).dev(args),
  },
  serve: {
    usage: 'serve',
    summary: 'serve in production on Node: configured by the environment alone',
    run: async () => (await import('./serve.ts')).serve(),
  },
  import: {
    usage: 'import <folder|file>…',
    summary: 'import n8n workflow files',
    run: async (args) => (await import('./import.ts')).importCommand(args),
  },
  migrate: {
    usage: 'migrate',
    summary: 'bring the database to the current schema',
    run: async () => (await import('./operations.ts')).migrateCommand(),
  },
  'rotate-keys': {
    usage: 'rotate-keys',
    summary: 'rewrap every stored secret with the active key of CREDENTIAL_KEYS',
    run: async () => (await import('./operations.ts')).rotateKeysCommand(),
  },
  'generate-keys': {
    usage: 'generate-keys',
    summary: 'print a fresh set of keys for a production environment',
    run: async () => (await import('./operations.ts')).generateKeysCommand(),
  },
  users: {
    usage: 'users reset-password <email> [--ask]',
    summary: 'set a new password for who has lost it',
    run: async (args) => (await import('./operations.ts')).usersCommand(args),
  },
}

function help(): string {
  const width = Math.max(...Object.values(commands).map(({ usage }) => usage.length))
  const lines = Object.values(commands).map(({ usage, summary }) => `  ${usage.padEnd(width)}  ${summary}`)
  return `Usage: npm run flowkeep -- <command>\n\n${lines.join('\n')}\n`
}

/** Of a database's failure only what holds no bound parameter; of any other its message. */
function describeFailure(error: unknown): string {
  const { kind, sqlState } = databaseError(error)
  if (isStatementFailure(error)) {
    return kind === 'unavailable'
      ? 'The database does not answer: is it running, and does DATABASE_URL name it?'
      : `The database refused a statement${sqlState ? ` (SQLSTATE ${sqlState})` : ''}; has it been migrated?`
  }
  if (process.env.DEBUG !== undefined && error instanceof Error) return error.stack ?? error.message
  return error instanceof Error ? error.message : String(error)
}

const [name = 'help', ...args] = process.argv.slice(2)
const command = Object.hasOwn(commands, name) ? commands[name] : undefined
if (!command) {
  const asked = ['help', '--help', '-h'].includes(name)
  if (!asked) process.stderr.write(`There is no command "${name}".\n`)
  process[asked ? 'stdout' : 'stderr'].write(help())
  process.exitCode = asked ? 0 : 2
} else {
  try {
    if (args.length > 0 && !command.usage.includes(' ')) {
      throw new Error(`Usage: npm run flowkeep -- ${command.usage}`)
    }
    await command.run(args)
  } catch (error) {
    process.stderr.write(`${describeFailure(error)}\n`)
    process.exitCode = 1
  }
}
