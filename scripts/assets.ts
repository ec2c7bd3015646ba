/** @module `npm run assets`: writes `public/assets` and the module with the names of its files. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { assetsFolder, generateAssets, root } from './generate-assets.ts'

const files = Object.entries(generateAssets())
rmSync(join(root, assetsFolder), { recursive: true, force: true })
mkdirSync(join(root, assetsFolder), { recursive: true })
for (const [path, content] of files) writeFileSync(join(root, path), content)
