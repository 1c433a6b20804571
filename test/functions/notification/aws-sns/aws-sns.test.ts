import '../../aws.ts'
import { describe, expect, test } from '@jest/globals'
import { awsSns } from '../../../../functions/notification/aws-sns/aws-sns.ts'
import { keyOf } from '../../helpers.ts'
import { reminder } from '../../messages.ts'
import { decided, evaluation, question } from '../messages.ts'
import { type SnsServer, startSns } from './fake.ts'
import { testSns, topic } from './suite.ts'

const decide = `Decide: ${question.buttons?.[0]?.url}`
const deny =
  (operation: string) =>
  ({ state }: SnsServer) =>
    state.denied.push(operation)

const { server, connection, client, post, save } = testSns(
  { start: startSns, channel: `${topic}.fifo` },
  {
    checks: [
      {
        requests: [{ text: expect.stringContaining('Action=GetTopicAttributes&') }],
        change: deny('GetTopicAttributes'),
      },
    ],
    failedChecks: [
      {
        reason: 'Allow it under awsProviders',
        connection: { channel: topic },
        change: deny('GetTopicAttributes'),
      },
    ],
    refused: [{ name: 'a topic without permission', change: deny('Publish'), reason: 'AuthorizationError: User: ' }],
  },
)

describe('AWS SNS', () => {
  test('publishes to a standard topic without a group', async () => {
    await post(evaluation, { channel: topic })
    expect(server.state.published).toMatchObject([{ topic, deduplication: undefined, group: undefined }])
  })

  test('publishes a repeated reminder once, and the decision without a link', async () => {
    const posted = await save(question)
    for (let call = 0; call < 2; call++) await awsSns.reply(client(), posted, reminder)
    await awsSns.reply(client(), posted, { ...reminder, mood: 'good', title: decided.title })
    expect(server.state.published.map(({ message }) => message.includes(decide))).toEqual([true, true, false])
  })

  test('lets SNS recognize the messages of one event', async () => {
    await awsSns.reply(client(), await save(question), reminder)
    expect(server.state.published).toMatchObject([
      { deduplication: keyOf(1) },
      { deduplication: expect.stringMatching(new RegExp(`^${keyOf(1)}-[0-9a-f]{16}$`)) },
    ])
  })

  test('refuses a topic in another region than that of the connection', () => {
    const check = () =>
      awsSns.checkMessage({ channel: topic, needsApproval: false }, connection({ region: 'us-east-1' }))
    expect(check).toThrow('input.channel is in eu-west-1, but the connection uses us-east-1')
  })
})
