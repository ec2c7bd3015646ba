/** @module `npm run docs`: writes the generated pages of `docs/`, then the guide in `public/docs/guide`. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { configurationPage, configurationPath } from './configuration-page.ts'
import { errorsPage, errorsPath } from './errors-page.ts'
import { root } from './generate-assets.ts'
import { limitsPage, limitsPath } from './limits-page.ts'
import { generateGuide, guideFolder } from './guide/generate.ts'

writeFileSync(configurationPath, configurationPage())
writeFileSync(errorsPath, errorsPage())
writeFileSync(limitsPath, limitsPage())

const files = Object.entries(generateGuide())
rmSync(join(root, guideFolder), { recursive: true, force: true })
for (const [path, content] of files) {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), content)
}
