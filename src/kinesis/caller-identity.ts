// One answer of another service: STS's GetCallerIdentity. A KPL before 1.0.5 asks whose
// account it writes to before its first request, and its process ends when it is not told.

import type { HttpAnswer } from '../host/index.ts'

export const QUERY_CONTENT_TYPE = 'application/x-www-form-urlencoded'
/** What is asked is 43 bytes long. */
export const QUERY_BODY_MAX_BYTES = 1024

/** The same user for everybody: signatures are not checked. */
export function callerIdentity(body: Buffer, accountId: string): HttpAnswer {
  const action = new URLSearchParams(body.toString('utf8')).get('Action')
  if (action !== 'GetCallerIdentity') {
    return refused(
      400,
      'InvalidAction',
      'Of this protocol only GetCallerIdentity is supported here.',
    )
  }
  return xml(
    200,
    `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>arn:aws:iam::${accountId}:user/headgate</Arn>
    <UserId>headgate</UserId>
    <Account>${accountId}</Account>
  </GetCallerIdentityResult>
</GetCallerIdentityResponse>
`,
  )
}

export function queryBodyTooLarge(): HttpAnswer {
  return refused(
    413,
    'RequestEntityTooLarge',
    `The body has more than ${QUERY_BODY_MAX_BYTES} bytes.`,
  )
}

function refused(status: number, code: string, message: string): HttpAnswer {
  const error = `<Type>Sender</Type><Code>${code}</Code><Message>${message}</Message>`
  return xml(status, `<ErrorResponse><Error>${error}</Error></ErrorResponse>\n`)
}

function xml(status: number, body: string): HttpAnswer {
  return { status, headers: ['Content-Type', 'text/xml'], body }
}
