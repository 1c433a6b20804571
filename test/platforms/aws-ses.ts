import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'
import { restDenied, restError, restSignatureError } from './aws-signature.ts'

interface Mail {
  FromEmailAddress: string
  Destination: { ToAddresses: string[] }
  Content: { Simple: { Subject: Part; Body: { Text: Part; Html: Part } } }
  ConfigurationSetName?: string
}

interface Part {
  Data: string
  Charset: string
}

interface SesState {
  mails: Mail[]
  /** Whether each identity is verified. */
  identities: Record<string, boolean>
  /** Operations that the caller's role does not allow. */
  denied: string[]
}

export interface SesServer extends Served {
  state: SesState
}

/**
 * The part of Amazon SES (v2) that sends mails.
 *
 * @see https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
 */
export async function startSes(): Promise<SesServer> {
  const state: SesState = { mails: [], identities: { 'example.com': true }, denied: [] }
  return { ...(await serve((call) => restSignatureError(call, 'ses') ?? answer(state, call))), state }
}

function answer({ mails, identities, denied }: SesState, { method, path, body }: Call): Reply {
  const operation = method === 'GET' ? 'GetEmailIdentity' : 'SendEmail'
  if (denied.includes(operation)) return restDenied(`ses:${operation}`)
  const [, identity] = /^\/v2\/email\/identities\/([^/]+)$/.exec(path) ?? []
  if (identity !== undefined) {
    const isVerified = identities[identity]
    if (isVerified === undefined)
      return restError(404, 'NotFoundException', `Email identity ${identity} does not exist.`)
    return ok({ IdentityType: 'DOMAIN', VerifiedForSendingStatus: isVerified })
  }
  const mail = body as Mail
  const { Subject, Body } = mail.Content.Simple
  const to = mail.Destination.ToAddresses
  if (to.length < 1 || to.length > 50 || !to.every((address) => /^[^\s@]+@[^\s@]+$/.test(address)))
    return restError(400, 'BadRequestException', 'Illegal address')
  if (/[\r\n]/.test(Subject.Data) || Subject.Data === '' || Body.Text.Data === '' || Body.Html.Data === '')
    return restError(400, 'BadRequestException', 'Missing or invalid content')
  if (!identities[mail.FromEmailAddress.split('@')[1] ?? ''])
    return restError(400, 'MessageRejected', 'Email address is not verified.')
  mails.push(mail)
  return ok({ MessageId: `0102018f2c8d0a01-${String(mails.length).padStart(12, '0')}-000000` })
}
