import '../aws.ts'
import { describe, expect, test } from '@jest/globals'
import { awsSns } from '../../../functions/notification/providers/aws-sns.ts'
import { snsError, startSns } from '../../../infra/platforms/aws-sns.ts'
import type { Message, PostedMessage } from '../../../shared/providers/message.ts'
import { messageConformance } from '../../conformance/message.ts'
import { clientOf, failureOf, keyOf, startEach } from '../helpers.ts'
import { evaluation, question } from './messages.ts'

const server = startEach(startSns)

const topic = 'arn:aws:sns:eu-west-1:123456789012:deploys'
const fifo = `${topic}.fifo`
const connection = (fields: object = {}) =>
  awsSns.connection.parse({ endpoint: server.url, region: 'eu-west-1', ...fields })
const client = (options: Parameters<typeof clientOf>[2] = {}, fields: object = {}) =>
  clientOf(awsSns, connection(fields), options)
const post = (message: Message, options: Parameters<typeof clientOf>[2] = {}, channel = topic) =>
  awsSns.post(client(options), channel, message)
/** Copies a posted message as a task stores it. */
const saved = (posted: PostedMessage): PostedMessage => JSON.parse(JSON.stringify(posted))

describe('AWS SNS: post', () => {
  test('publishes text and links, a subject and attributes for filters', async () => {
    expect(await post(evaluation)).toMatchObject({ id: server.state.published[0]?.id })
    expect(server.state.published).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        topic,
        message: [
          '⚠️ Evaluation of checkout in production: warning',
          'The release is slower than the last one.\n\nThe release may continue.',
          [
            'Project: shop',
            'Score: 75 of 100',
            '✅ error_rate, Value 0.1 %, Target <= 1 %',
            '❌ response_time_p95, Value 812 ms, Target <= 400 ms',
          ].join('\n'),
          'Bridge: https://keptn.example.com/bridge/project/shop?x=1&y=(2)\nDashboard: https://dashboards.example.com/d/1',
        ].join('\n\n'),
        subject: 'Evaluation of checkout in production: warning',
        attributes: { mood: 'warning', title: 'Evaluation of checkout in production: warning', project: 'shop' },
        deduplication: undefined,
        group: undefined,
      },
    ])
  })

  test('links an approval to the approval page', async () => {
    await post(question)
    const url = question.buttons?.[0]?.url
    expect(server.state.published[0]?.message).toMatch(new RegExp(`\n\nDecide: ${url}\nBridge: https://`))
  })

  test.each([
    ['Prüfung für ☕ Übung: größer', 'Prufung fur ? Ubung: gro?er'],
    [`Deploy ${'x'.repeat(200)}`, `Deploy ${'x'.repeat(89)}...`],
    ['  Deployed\r\nBcc: eve@evil.example ', 'Deployed Bcc: eve@evil.example'],
    ['', undefined],
    ['\u0000\u202e', undefined],
  ])('converts the title %j to an ASCII subject', async (title, subject) => {
    await post({ ...evaluation, title })
    expect(server.state.published[0]?.subject).toBe(subject)
  })

  test('cuts a long text and keeps the links', async () => {
    await post({ ...question, text: '😀'.repeat(100_000) })
    const { message = '' } = server.state.published[0] ?? {}
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(250_100)
    expect(message.slice(-300)).toMatch(/😀…\n\nDecide until: 2026-12-01 12:00 UTC\n\nDecide: https:/)
  })

  test('replies have their own deduplication ids, and reminders link to the approval page', async () => {
    const posted = saved(await post(question, {}, fifo))
    const reply = (mood: 'waiting' | 'good', title: string) =>
      awsSns.reply(client(), posted, { mood, title, fields: [], links: [] })
    await reply('waiting', 'Still open')
    await reply('waiting', 'Still open')
    await reply('good', 'Approved by Jane')
    const ofReply = expect.stringMatching(new RegExp(`^${keyOf(1)}-[0-9a-f]{16}$`))
    expect(server.state.published).toMatchObject([
      { deduplication: keyOf(1) },
      { deduplication: ofReply, message: `⏳ Still open\n\nDecide: ${question.buttons?.[0]?.url}` },
      { deduplication: ofReply, message: '✅ Approved by Jane' },
    ])
  })

  test('reports an unknown topic', async () => {
    const failure = await failureOf(post(evaluation, {}, `${topic}-old`))
    const expected = { kind: 'refused', message: 'AWS SNS answered 404 to POST /: NotFound: Topic does not exist' }
    expect(failure).toMatchObject(expected)
  })

  test('reports the permission to allow', async () => {
    server.state.denied.push('Publish')
    const failure = await failureOf(post(evaluation))
    expect(failure.kind).toBe('refused')
    const expected = /AuthorizationError: User: .+SNS:Publish action\. Allow it under awsProviders in cdk\.json/
    expect(failure.message).toMatch(expected)
  })
})

describe('AWS SNS: topic', () => {
  test('must be in the region of the connection', () => {
    expect(() =>
      awsSns.checkMessage({ channel: topic, needsApproval: false }, connection({ region: 'us-east-1' })),
    ).toThrow('input.channel is in eu-west-1, but the connection uses us-east-1')
  })
})

describe('AWS SNS: connection', () => {
  test('the connection test reads the topic and publishes nothing', async () => {
    await awsSns.check(client({}, { channel: topic }))
    expect(server.operations()).toEqual(['GetTopicAttributes'])
    expect(server.state.published).toEqual([])
    const wrong = client({}, { channel: `${topic}-old` })
    expect(await failureOf(awsSns.check(wrong))).toMatchObject({ kind: 'refused' })
  })

  test('the connection test without a topic checks the credentials', async () => {
    await awsSns.check(client())
    const message = 'The security token included in the request is invalid.'
    server.failNext(403, snsError('InvalidClientTokenId', message), { times: 2 })
    expect(await failureOf(awsSns.check(client()))).toMatchObject({ kind: 'credentials' })
  })
})

messageConformance(awsSns, {
  start: startSns,
  connection: ({ url }) => ({ endpoint: url, region: 'eu-west-1' }),
  channel: fifo,
  refusal: (reason) => snsError('InvalidParameter', reason),
  awsError: (type, message) => ({ body: snsError(type, message) }),
  visible: ({ state }) => state.published.length,
  verify({ state }, { links, buttons }) {
    const { message = '' } = state.published.at(-1) ?? {}
    for (const { url } of links) expect(message.includes(`: ${url}`)).toBe(url.startsWith('http'))
    expect(message.includes('\n\nDecide: https://')).toBe(buttons !== undefined)
    expect(JSON.stringify(message)).not.toMatch(/[\u202a-\u202e\u2066-\u2069]|\\u00/)
  },
  channels: {
    accepted: [topic, fifo],
    refused: ['', 'deploys', `${topic}:a-subscription`, 'arn:aws:sqs:eu-west-1:123456789012:deploys', `${topic}\n`],
    words: 'input.channel must be the ARN of a topic',
  },
})
