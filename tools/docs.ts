// Writes the pages of docs/ that are made from code: `npm run docs`.

import { writeFileSync } from 'node:fs'
import { madePages } from './tidy/made-pages.ts'

for (const [path, text] of madePages()) writeFileSync(path, text)
