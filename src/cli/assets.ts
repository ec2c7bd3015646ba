/** @module `npm run assets`: writes the modules that hold what browsers are sent as it is: the script and the font. */
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire, stripTypeScriptTypes } from 'node:module'
import { dirname, join, resolve } from 'node:path'

const folder = resolve(import.meta.dirname, '../web/assets')

/** Path relative to `src/web/assets` → text. */
export function generateAssets(): Record<string, string> {
  return { 'client.generated.ts': clientModule(), 'inter.generated.ts': fontModule() }
}

export async function assetsCommand(): Promise<void> {
  for (const [name, text] of Object.entries(generateAssets())) writeFileSync(join(folder, name), text)
}

/** The script without its types, its comments about itself and its blank lines. */
function clientModule(): string {
  const code = stripTypeScriptTypes(readFileSync(join(folder, 'client.ts'), 'utf8'))
    .replace(/^\s*\/\*\*[\s\S]*?\*\/\s*$/gm, '')
    .replaceAll(/^export /gm, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('//'))
    .join('\n')
  return `/** Made by \`npm run assets\` from client.ts. */\nexport const clientScript = ${literal(`${code}\n`)}\n`
}

/** Inter's Latin letters with all weights. */
function fontModule(): string {
  const { resolve: find } = createRequire(import.meta.url)
  const packageFile = find('@fontsource-variable/inter/package.json')
  const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }
  const font = readFileSync(join(dirname(packageFile), 'files/inter-latin-wght-normal.woff2'))
  return `/**
 * Made by \`npm run assets\` from @fontsource-variable/inter ${version}: Inter, Copyright 2016 The Inter Project Authors
 * (https://github.com/rsms/inter), under the SIL Open Font License 1.1 (https://openfontlicense.org).
 */
export const interFont = ${literal(font.toString('base64'))}
`
}

const literal = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`
