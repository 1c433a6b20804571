import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { type MessageRow, startWith } from '../../../conformance/row.ts'
import { restDenied, restError, restSignatureError } from '../../../platforms/aws-signature.ts'

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

export type SesServer = Awaited<ReturnType<typeof startSes>>

/**
 * The part of Amazon SES (v2) that sends mails.
 *
 * @see https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
 */
export const startSes = definePlatform({
  base: '/v2/email',
  state: () => ({
    mails: [] as Mail[],
    /** Whether each identity is verified. */
    identities: { 'example.com': true } as Record<string, boolean>,
    /** Operations that the caller's role does not allow. */
    denied: [] as string[],
  }),
  refuses(call, { denied }) {
    const operation = call.method === 'GET' ? 'GetEmailIdentity' : 'SendEmail'
    return restSignatureError(call, 'ses') ?? (denied.includes(operation) ? restDenied(`ses:${operation}`) : undefined)
  },
  routes: {
    'GET /identities/{identity}': ({ state, params: { identity } }) => {
      const isVerified = state.identities[identity]
      if (isVerified === undefined)
        return restError(404, 'NotFoundException', `Email identity ${identity} does not exist.`)
      return { IdentityType: 'DOMAIN', VerifiedForSendingStatus: isVerified }
    },
    'POST /outbound-emails': ({ state: { mails, identities }, body }) => {
      const mail: Mail = body
      const { Subject, Body } = mail.Content.Simple
      const to = mail.Destination.ToAddresses
      if (to.length < 1 || to.length > 50 || !to.every((address) => /^[^\s@]+@[^\s@]+$/.test(address)))
        return restError(400, 'BadRequestException', 'Illegal address')
      if (/[\r\n]/.test(Subject.Data) || Subject.Data === '' || Body.Text.Data === '' || Body.Html.Data === '')
        return restError(400, 'BadRequestException', 'Missing or invalid content')
      if (!identities[mail.FromEmailAddress.split('@')[1] ?? ''])
        return restError(400, 'MessageRejected', 'Email address is not verified.')
      mails.push(mail)
      return { MessageId: `0102018f2c8d0a01-${String(mails.length).padStart(12, '0')}-000000` }
    },
  },
  notFound: restError(404, 'UnknownOperationException', ''),
})

export const messageRow = {
  writes: /^POST .*\/outbound-emails$/,
  start: startWith(startSes, ({ url: endpoint }) => ({
    connection: { endpoint, region: 'eu-west-1', from: 'deployments@example.com', channel: 'ops@example.com' },
  })),
} satisfies MessageRow
