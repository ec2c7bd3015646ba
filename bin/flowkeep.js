#!/usr/bin/env node
/**
 * Starts the command line in this process: the sources where the development tools are installed, else the build in
 * `dist/`. No child process, so that signals reach the server itself.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const oldestNode = 22
if (Number(process.versions.node.split('.')[0]) < oldestNode) {
  process.stderr.write(`Flowkeep requires Node ${oldestNode} or newer. This is ${process.version}.\n`)
  process.exit(1)
}

const built = new URL('../dist/node/flowkeep.js', import.meta.url)
const tsx = await import('tsx/esm/api').catch(() => null)
if (tsx) {
  // By default, tsx reads the file of the current folder.
  tsx.register({ tsconfig: fileURLToPath(new URL('../tsconfig.json', import.meta.url)) })
  await import('./module-cache.js')
  await import('../src/cli/main.ts')
} else if (existsSync(built)) {
  await import(built.href)
} else {
  process.stderr.write('Flowkeep is not built. Run `npm run build` first.\n')
  process.exit(1)
}
