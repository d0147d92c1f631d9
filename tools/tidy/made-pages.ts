// Pages of docs/ that are written from the tables which the program itself reads, so that they
// cannot say anything else. `npm run docs` writes them, tidy compares.

import { settingsFields } from '../../src/cli/settings.ts'
import { markdownOf } from '../../src/config/index.ts'
import { PROBLEMS } from '../../src/gateway/index.ts'
import { labPage } from './lab-page.ts'
import type { Problem, SourceFile } from './problem.ts'

const CONFIGURATION = `# Configuration

<!-- Written by "npm run docs" from the tables in src/. -->

Settings come from defaults, then a YAML file (\`headgate.yaml\` where the program starts, or the one
that \`--config\` names), then the environment, then the command line; later ones win. Dots in a name
are levels of the file:

\`\`\`yaml
ack:
  default: accepted
mappings:
  - resource: clicks
    stream: events
    location: body
    specification: /user/id
    recordId: { location: header, specification: X-Event-Id }
\`\`\`

Everything that is wrong is reported at once, with its line, and the program does not start
(exit code 2). \`headgate check\` does only that, and asks the service about permissions.

`

const PROBLEMS_PREFACE = `# Refusals

<!-- Written by "npm run docs" from the tables in src/. -->

A refusal is a problem document (RFC 9457, \`application/problem+json\`): \`type\`, \`title\`, \`status\`,
\`detail\` (what was found, and what to do) and \`code\`, which is what a program should look at; it does not
change. Two refusals are plain text instead, because existing clients test for them: 400
\`stream name not specified\` and 400 \`partition key not specified\`.

- **4xx**: sent again as it is, the request will be refused again. Nothing was stored.
- **409, 429, 503**: a state that passes, of yours or ours; \`Retry-After\` says in how many seconds it is worth to come
  back, 1 to 60, from the backlog and the measured rate; with a 409, 1 or 2. Nothing was stored, except that what says \`mayBeWritten\` true
  may be in the stream or on the disk, and that what is \`dead-lettered\` is kept and can be replayed: its
  \`Headgate-Receipt\` tells of it, and sent again it may be stored twice. The same holds for \`stream-not-found\`,
  \`record-refused\` and \`record-too-large\` with a receipt.

Most states are told on the head of the request, before its body is read: \`draining\`, \`too-many-requests-open\`,
\`memory-full\`, \`spool-full\`, \`disk-full\`, \`disk-failed\`, \`backlog-too-old\`, \`quota-exceeded\`, and
\`back-pressure\` where nobody may wait any more. \`GET /readyz\` names those that hold now. A request with an
\`Idempotency-Key\`, or to a mapping whose records have ids, is read first, but for the first three: if it was taken before, it gets its
first answer, however full all is.

The ledger counts as \`exhausted\` what the spool, the disk or the line did not let in, on the head or later; whatever is refused
for another reason is no attempt. \`refusals\` beside it counts all answers, by their code.

| Code | Status | Title |
| --- | --- | --- |
`

/** Every page that is made, by its path. */
export function madePages(): ReadonlyMap<string, string> {
  const rows = Object.entries(PROBLEMS).map(
    ([code, { status, title }]) => `| \`${code}\` | ${status} | ${title} |\n`,
  )
  return new Map([
    ['docs/configuration.md', CONFIGURATION + markdownOf(settingsFields)],
    ['docs/refusals.md', PROBLEMS_PREFACE + rows.join('')],
    ['docs/lab-results.md', labPage()],
  ])
}

export function checkPages(
  files: readonly SourceFile[],
  pages: ReadonlyMap<string, string>,
): Problem[] {
  return [...pages].flatMap(([path, page]) => {
    const text = files.find((file) => file.path === path)?.text
    if (text === page) return []
    const message = text === undefined ? 'is missing' : 'does not say what the tables in src/ say'
    return [{ path, line: 0, message: `${message}: npm run docs` }]
  })
}
