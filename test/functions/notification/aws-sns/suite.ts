import { expect, test } from '@jest/globals'
import { awsSns } from '../../../../functions/notification/aws-sns/aws-sns.ts'
import type { Served } from '../../../../infra/testing/loopback-server.ts'
import { type MessageTests, testMessages } from '../../messages.ts'
import { evaluation, question } from '../messages.ts'
import { type Published, snsError } from './fake.ts'

/** The SNS of AWS, of moto or a fake. */
interface AnySns extends Served {
  /** Delivered messages. */
  state: { published: Published[] }
}

type More<S extends Served> = Pick<MessageTests<S>, 'checks' | 'failedChecks' | 'refused' | 'lacksNeeds'>

export const topic = 'arn:aws:sns:eu-west-1:123456789012:deploys'
const decide = `Decide: ${question.buttons?.[0]?.url}`
const title = (title: string, subject: string | undefined) => ({
  name: `the title ${JSON.stringify(title)} as an ASCII subject`,
  message: { ...evaluation, title },
  shown: { subject },
})

/**
 * Registers the tests that pass with the SNS of moto and with the fake.
 *
 * @param more rows for the fake
 */
export function testSns<S extends AnySns>(
  { start, channel }: { start(): Promise<S>; channel: string },
  { checks = [], failedChecks = [], refused = [], lacksNeeds }: More<S>,
) {
  const reading = { text: expect.stringContaining('Action=GetTopicAttributes&') }
  const { server, post, ...suite } = testMessages(awsSns, {
    start,
    ...(lacksNeeds && { lacksNeeds }),
    connection: ({ url }) => ({ endpoint: url, region: 'eu-west-1' }),
    channel,
    refusal: (reason) => snsError('InvalidParameter', reason),
    awsError: (type, message) => ({ body: snsError(type, message) }),
    visible: ({ state }) => state.published.length,
    verify({ state }, { links, buttons }) {
      const { message = '' } = state.published.at(-1) ?? {}
      for (const { url } of links) expect(message.includes(`: ${url}`)).toBe(url.startsWith('http'))
      expect(message.includes('\n\nDecide: https://')).toBe(buttons !== undefined)
      expect(JSON.stringify(message)).not.toMatch(/[\u202a-\u202e\u2066-\u2069]|\\u00/)
    },
    checks: [{ connection: { channel }, requests: [reading] }, ...checks],
    failedChecks: [{ reason: 'does not exist', connection: { channel: `${topic}-old` } }, ...failedChecks],
    channels: {
      accepted: [topic, `${topic}.fifo`],
      refused: ['', 'deploys', `${topic}:a-subscription`, 'arn:aws:sqs:eu-west-1:123456789012:deploys', `${topic}\n`],
      message: 'input.channel must be the ARN of a topic',
    },
    newest: ({ state }) => state.published.at(-1),
    posted: ({ state }) => ({ id: state.published[0]?.id }),
    shows: {
      evaluation: {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        topic: channel,
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
      question: { message: expect.stringContaining(`\n\n${decide}\nBridge: https://`) },
      reminder: { message: `⏳ Still open\n\n${decide}` },
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
        reason: 'AWS SNS answered 404 to POST /: NotFound: ',
      },
      ...refused,
    ],
  })

  test('AWS SNS cuts a long text and keeps the links', async () => {
    await post({ ...question, text: '😀'.repeat(100_000) })
    const { message = '' } = server.state.published[0] ?? {}
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(250_100)
    expect(message.slice(-300)).toMatch(/😀…\n\nDecide until: 2026-12-01 12:00 UTC\n\nDecide: https:/)
  })
  return { server, post, ...suite }
}
