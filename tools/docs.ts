// Writes the pages of docs/ that are made from code: `npm run docs`.

import { writeFileSync } from 'node:fs'
import { CONFIGURATION_PAGE, configurationPage } from './tidy/configuration.ts'

writeFileSync(CONFIGURATION_PAGE, configurationPage())
