/** @module `npm run flowkeep -- <command>`: started by `bin/flowkeep.js` from the sources or the build. */
import { runProgram } from './command.ts'
import { commands } from './commands.ts'
import { packageVersion } from './package-root.ts'
import { loadEnvFile } from './variables.ts'

const scripts = ['demo', 'assets', 'bundle', 'catalogue'].map((name) => [name, `npm run ${name}`] as const)

loadEnvFile()
process.exitCode = await runProgram(
  {
    invocation: 'npm run flowkeep --',
    version: packageVersion(),
    commands,
    elsewhere: { ...Object.fromEntries(scripts), drift: 'npm run db:check', start: 'npm start' },
  },
  process.argv.slice(2),
)
