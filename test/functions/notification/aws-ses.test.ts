import '../aws.ts'
import { describe, expect, test } from '@jest/globals'
import { awsSes } from '../../../functions/notification/providers/aws-ses.ts'
import { type SesServer, startSes } from '../../../infra/platforms/aws-ses.ts'
import type { Message } from '../../../shared/providers/message.ts'
import { messageConformance } from '../../conformance/message.ts'
import { clientOf, expectFailure, startEach } from '../helpers.ts'
import { decided, evaluation, question } from './messages.ts'

const server = startEach(startSes)

const from = 'deployments@example.com'
const to = 'ops@example.com'
const client = (fields: object = {}) =>
  clientOf(awsSes, awsSes.connection.parse({ endpoint: server.url, region: 'eu-west-1', from, ...fields }))
const post = (message: Message, recipients = to, fields: object = {}) =>
  awsSes.post(client(fields), recipients, message)
const mailAt = (at: number) => {
  const mail = server.state.mails[at]
  if (!mail) throw new Error(`There is no mail ${at}.`)
  const { Subject, Body } = mail.Content.Simple
  return { ...mail, subject: Subject.Data, text: Body.Text.Data, html: Body.Html.Data }
}

describe('AWS SES', () => {
  test('sends a mail as text and as HTML', async () => {
    expect(await post(evaluation, `${to}, team@example.com`, { configurationSet: 'bounces' })).toMatchObject({
      id: expect.stringMatching(/^0102018f/),
    })
    expect(mailAt(0)).toMatchObject({
      ...{ FromEmailAddress: from, Destination: { ToAddresses: [to, 'team@example.com'] } },
      ...{ ConfigurationSetName: 'bounces', subject: '⚠️ Evaluation of checkout in production: warning' },
      text: expect.stringContaining('\nScore: 75 of 100\n✅ error_rate, Value 0.1 %, Target <= 1 %'),
    })
    expect(mailAt(0).html).toMatch(/<td[^>]*>error_rate<\/td><td[^>]*>0\.1 %<\/td><td[^>]*>&lt;= 1 %<\/td>/)
    expect(mailAt(0).html).toContain('<a href="https://keptn.example.com/bridge/project/shop?x=1&amp;y=(2)">Bridge</a>')
  })

  test('links an approval and its reminder to the page, and the decision to none', async () => {
    const posted = JSON.parse(JSON.stringify(await post(question)))
    await awsSes.reply(client(), posted, { mood: 'waiting', title: 'Still open', fields: [], links: [] })
    await awsSes.reply(client(), posted, decided)
    const link = `Decide: ${question.buttons?.[0]?.url}`
    expect(server.state.mails.map((_mail, at) => mailAt(at).text.includes(link))).toEqual([true, true, false])
    expect(mailAt(2)).toMatchObject({ subject: expect.stringMatching(/^✅/), Destination: { ToAddresses: [to] } })
  })

  test('the connection test reports an identity that is unknown or not verified', async () => {
    await awsSes.check(client())
    server.state.identities['mail.example.com'] = false
    const notVerified = 'The identity mail.example.com may not send'
    await expectFailure(awsSes.check(client({ identity: 'mail.example.com' })), 'misconfigured', notVerified)
    await expectFailure(awsSes.check(client({ from: 'a@example.org' })), 'refused', 'example.org does not exist')
  })

  test.each([
    'AccountSuspendedException',
    'SendingPausedException',
    'MailFromDomainNotVerifiedException',
    'MessageRejected',
    'LimitExceededException',
    'BadRequestException',
  ])('reports the refusal %s', async (type) => {
    server.failNext(400, { message: 'A reason.' }, { headers: { 'x-amzn-errortype': type } })
    await expectFailure(
      post(evaluation),
      'refused',
      'AWS SES answered 400 to POST /v2/email/outbound-emails: A reason.',
    )
  })

  test('reports the permission to allow', async () => {
    server.state.denied.push('SendEmail')
    await expectFailure(
      post(evaluation),
      'refused',
      'perform: ses:SendEmail',
      'Allow it under awsProviders in cdk.json',
    )
  })
})

messageConformance<SesServer>(awsSes, {
  start: startSes,
  connection: ({ url }) => ({ endpoint: url, region: 'eu-west-1', from }),
  channel: to,
  visible: ({ state }) => state.mails.length,
  repeats: true,
  awsError: (type, message) => ({ body: { message }, headers: { 'x-amzn-errortype': type } }),
  invalid: [{ from: 'deployments' }, { from: 'a@example.com\r\nBcc: b@example.com' }],
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
    words: 'input.channel must be up to 50 e-mail addresses',
  },
  verify: ({ state }) => {
    for (const { Content } of state.mails)
      expect(Content.Simple.Body.Html.Data.replace(/<\/?(?:h3|p|table|tr|td|a)\b[^<>]*>/g, '')).not.toMatch(/[<>]/)
  },
})
