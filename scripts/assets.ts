/** @module `npm run assets`: writes the generated modules in `src/web/assets`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { assetsFolder, generateAssets } from './generate-assets.ts'

for (const [name, text] of Object.entries(generateAssets())) writeFileSync(join(assetsFolder, name), text)
