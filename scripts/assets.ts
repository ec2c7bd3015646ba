/** @module `npm run assets`: writes the generated modules. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sourceFolder, generateAssets } from './generate-assets.ts'

for (const [name, text] of Object.entries(generateAssets())) writeFileSync(join(sourceFolder, name), text)
