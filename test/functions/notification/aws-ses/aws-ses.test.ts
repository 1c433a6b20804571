import '../../aws.ts'
import { expect, test } from '@jest/globals'
import { awsSes } from '../../../../functions/notification/aws-ses/aws-ses.ts'
import { testMessages } from '../../messages.ts'
import { decided, evaluation, question } from '../messages.ts'
import { type SesServer, startSes } from './fake.ts'

const from = 'deployments@example.com'
const to = 'ops@example.com'
const approvalLink = `Decide: ${question.buttons?.[0]?.url}`
const refusals = [
  'AccountSuspendedException',
  'SendingPausedException',
  'MailFromDomainNotVerifiedException',
  'MessageRejected',
  'LimitExceededException',
  'BadRequestException',
]
const mails = ({ state }: SesServer) =>
  state.mails.map(({ Content: { Simple }, ...mail }) => {
    const { Subject, Body } = Simple
    return { ...mail, subject: Subject.Data, text: Body.Text.Data, html: Body.Html.Data }
  })

const { server, client, post, save } = testMessages(awsSes, {
  start: startSes,
  connection: ({ url }) => ({ endpoint: url, region: 'eu-west-1', from }),
  channel: to,
  visible: ({ state }) => state.mails.length,
  awsError: (type, message) => ({ body: { message }, headers: { 'x-amzn-errortype': type } }),
  invalid: [{ from: 'deployments' }, { from: 'a@example.com\r\nBcc: b@example.com' }],
  failedChecks: [
    { reason: 'example.org does not exist', connection: { from: 'a@example.org' } },
    { reason: 'Allow it under awsProviders', change: ({ state }) => state.denied.push('GetEmailIdentity') },
    {
      reason: 'The identity mail.example.com may not send',
      connection: { identity: 'mail.example.com' },
      change: ({ state }) => Object.assign(state.identities, { 'mail.example.com': false }),
      kind: 'misconfigured',
    },
  ],
  channels: {
    accepted: [to, `${to},o'neil+x@mail.example.co.uk`],
    refused: [
      '',
      'ops',
      `${to};b@example.com`,
      `${to},`,
      'a@b',
      `${to}\r\nBcc: b@example.com`,
      'Ops <ops@example.com>',
    ],
    message: 'input.channel must be up to 50 e-mail addresses',
  },
  verify(server) {
    expect(
      mails(server)
        .at(-1)
        ?.html.replace(/<\/?(?:h3|p|table|tr|td|a)\b[^<>]*>/g, ''),
    ).not.toMatch(/[<>]/)
  },
  newest: (server) => mails(server).at(-1),
  posted: () => ({ id: expect.stringMatching(/^0102018f/) }),
  shows: {
    evaluation: {
      FromEmailAddress: from,
      Destination: { ToAddresses: [to] },
      subject: '⚠️ Evaluation of checkout in production: warning',
      text: expect.stringContaining('\nScore: 75 of 100\n✅ error_rate, Value 0.1 %, Target <= 1 %'),
      html: expect.stringMatching(
        /<td[^>]*>error_rate<\/td><td[^>]*>0\.1 %<\/td><td[^>]*>&lt;= 1 %<\/td>.*<a href="https:\/\/keptn\.example\.com\/bridge\/project\/shop\?x=1&amp;y=\(2\)">Bridge<\/a>/s,
      ),
    },
    question: { text: expect.stringContaining(approvalLink) },
    reminder: { text: expect.stringContaining(approvalLink) },
  },
  refused: [
    ...refusals.map((type) => ({
      name: type,
      change: ({ failNext }: SesServer) =>
        failNext(400, { message: 'A reason.' }, { headers: { 'x-amzn-errortype': type } }),
      reason: 'AWS SES answered 400 to POST /v2/email/outbound-emails: A reason.',
    })),
    {
      name: 'a service without permission',
      change: ({ state }) => state.denied.push('SendEmail'),
      reason: 'perform: ses:SendEmail',
    },
  ],
})

test('AWS SES sends to several recipients with the configuration set of the connection', async () => {
  await post(evaluation, { channel: `${to}, team@example.com`, connection: { configurationSet: 'bounces' } })
  const Destination = { ToAddresses: [to, 'team@example.com'] }
  expect(mails(server)).toMatchObject([{ Destination, ConfigurationSetName: 'bounces' }])
})

test('AWS SES sends the decision to the same recipient, without a link to the page', async () => {
  await awsSes.reply(client(), await save(question), decided)
  const [, mail] = mails(server)
  expect(mail).toMatchObject({ subject: expect.stringMatching(/^✅/), Destination: { ToAddresses: [to] } })
  expect(mail?.text).not.toContain(approvalLink)
})
