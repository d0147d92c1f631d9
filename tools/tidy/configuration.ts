// docs/configuration.md is written from the tables that the program itself reads, so that it cannot
// say anything else. `npm run docs` writes it, tidy compares.

import { settingsFields } from '../../src/cli/settings.ts'
import { type Fields, markdownOf } from '../../src/config/index.ts'
import type { Problem, SourceFile } from './problem.ts'

export const CONFIGURATION_PAGE = 'docs/configuration.md'

const PREFACE = `# Configuration

<!-- Written by "npm run docs" from the tables in src/. -->

Settings come from defaults, then a YAML file (\`headgate.yaml\` where the program starts, or the one
that \`--config\` names), then the environment, then the command line; later ones win. Dots in a name
are levels of the file:

\`\`\`yaml
ack:
  default: accepted
mappings:
  - { resource: clicks, stream: events, location: body, specification: /user/id }
\`\`\`

Everything that is wrong is reported at once, with its line, and the program does not start
(exit code 2). \`headgate check\` does only that, and asks the service about permissions.

`

export function configurationPage(fields: Fields = settingsFields): string {
  return PREFACE + markdownOf(fields)
}

export function checkConfiguration(files: readonly SourceFile[], page: string): Problem[] {
  const text = files.find(({ path }) => path === CONFIGURATION_PAGE)?.text
  if (text === page) return []
  const message = text === undefined ? 'is missing' : 'does not say what the tables in src/ say'
  return [{ path: CONFIGURATION_PAGE, line: 0, message: `${message}: npm run docs` }]
}
