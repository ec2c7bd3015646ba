/** @module `npm run docs`: writes the generated pages of docs/. */
import { writeFileSync } from 'node:fs'
import { configurationPage, configurationPath } from './configuration-page.ts'

writeFileSync(configurationPath, configurationPage())
