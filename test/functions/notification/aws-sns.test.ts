import '../aws.ts'
import { describe, expect, test } from '@jest/globals'
import { awsSns } from '../../../functions/notification/providers/aws-sns.ts'
import { snsError, startSns } from '../../platforms/aws-sns.ts'
import { keyOf } from '../helpers.ts'
import { reminder, testMessages } from '../messages.ts'
import { decided, evaluation, question } from './messages.ts'

const topic = 'arn:aws:sns:eu-west-1:123456789012:deploys'
const fifo = `${topic}.fifo`
const decide = `Decide: ${question.buttons?.[0]?.url}`
const reading = { text: expect.stringContaining('Action=GetTopicAttributes&') }
const title = (title: string, subject: string | undefined) => ({
  name: `the title ${JSON.stringify(title)} as an ASCII subject`,
  message: { ...evaluation, title },
  shown: { subject },
})

const { server, connection, client, post, save } = testMessages(awsSns, {
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
  checks: [
    { connection: { channel: topic }, requests: [reading] },
    { requests: [reading], change: ({ state }) => state.denied.push('GetTopicAttributes') },
  ],
  failedChecks: [
    { reason: 'Topic does not exist', connection: { channel: `${topic}-old` } },
    {
      reason: 'Allow it under awsProviders',
      connection: { channel: topic },
      change: ({ state }) => state.denied.push('GetTopicAttributes'),
    },
  ],
  channels: {
    accepted: [topic, fifo],
    refused: ['', 'deploys', `${topic}:a-subscription`, 'arn:aws:sqs:eu-west-1:123456789012:deploys', `${topic}\n`],
    message: 'input.channel must be the ARN of a topic',
  },
  newest: ({ state }) => state.published.at(-1),
  posted: ({ state }) => ({ id: state.published[0]?.id }),
  shows: {
    evaluation: {
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      topic: fifo,
      message: [
        '⚠️ Evaluation of checkout in production: warning\n',
        'The release is slower than the last one.\n\nThe release may continue.\n',
        'Project: shop',
        'Score: 75 of 100',
        '✅ error_rate, Value 0.1 %, Target <= 1 %',
        '❌ response_time_p95, Value 812 ms, Target <= 400 ms\n',
        'Bridge: https://keptn.example.com/bridge/project/shop?x=1&y=(2)\nDashboard: https://dashboards.example.com/d/1',
      ].join('\n'),
      subject: 'Evaluation of checkout in production: warning',
      attributes: { mood: 'warning', title: 'Evaluation of checkout in production: warning', project: 'shop' },
    },
    question: { message: expect.stringContaining(`\n\n${decide}\nBridge: https://`), deduplication: keyOf(1) },
    reminder: {
      message: `⏳ Still open\n\n${decide}`,
      deduplication: expect.stringMatching(new RegExp(`^${keyOf(1)}-[0-9a-f]{16}$`)),
    },
  },
  posts: [
    title('Prüfung für ☕ Übung: größer', 'Prufung fur ? Ubung: gro?er'),
    title(`Deploy ${'x'.repeat(200)}`, `Deploy ${'x'.repeat(89)}...`),
    title('  Deployed\r\nBcc: eve@evil.example ', 'Deployed Bcc: eve@evil.example'),
    title('', undefined),
    title('\u0000\u202e', undefined),
    // The accent becomes a space, and SNS refuses a blank subject.
    title('\u0384', undefined),
  ],
  refused: [
    {
      name: 'an unknown topic',
      channel: `${topic}-old`,
      reason: 'AWS SNS answered 404 to POST /: NotFound: Topic does not exist',
    },
    {
      name: 'a topic without permission',
      change: ({ state }) => state.denied.push('Publish'),
      reason: 'AuthorizationError: User: ',
    },
  ],
})

describe('AWS SNS', () => {
  test('publishes to a standard topic without a group', async () => {
    await post(evaluation, { channel: topic })
    expect(server.state.published).toMatchObject([{ topic, deduplication: undefined, group: undefined }])
  })

  test('cuts a long text and keeps the links', async () => {
    await post({ ...question, text: '😀'.repeat(100_000) })
    const { message = '' } = server.state.published[0] ?? {}
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(250_100)
    expect(message.slice(-300)).toMatch(/😀…\n\nDecide until: 2026-12-01 12:00 UTC\n\nDecide: https:/)
  })

  test('publishes a repeated reminder once, and the decision without a link', async () => {
    const posted = await save(question)
    for (let call = 0; call < 2; call++) await awsSns.reply(client(), posted, reminder)
    await awsSns.reply(client(), posted, { ...reminder, mood: 'good', title: decided.title })
    expect(server.state.published.map(({ message }) => message.includes(decide))).toEqual([true, true, false])
  })

  test('refuses a topic in another region than that of the connection', () => {
    const check = () =>
      awsSns.checkMessage({ channel: topic, needsApproval: false }, connection({ region: 'us-east-1' }))
    expect(check).toThrow('input.channel is in eu-west-1, but the connection uses us-east-1')
  })
})
