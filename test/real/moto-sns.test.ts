import '../functions/aws.ts'
import { expect, test } from '@jest/globals'
import { awsSns } from '../../functions/notification/aws-sns/aws-sns.ts'
import { reminder } from '../functions/messages.ts'
import type { Published } from '../functions/notification/aws-sns/fake.ts'
import { testSns, topic } from '../functions/notification/aws-sns/suite.ts'
import { question } from '../functions/notification/messages.ts'
import { send, sendText, startPlatform } from './platform.ts'

const REGION = 'eu-west-1'
// moto finds the service and the region here.
const authorizationOf = (service: string) =>
  `AWS4-HMAC-SHA256 Credential=test/20260101/${REGION}/${service}/aws4_request, SignedHeaders=host, Signature=none`

async function callSns(Action: string, parameters: Record<string, string>): Promise<void> {
  const form = new URLSearchParams({ Action, Version: '2010-03-31', ...parameters })
  const headers = { 'content-type': 'application/x-www-form-urlencoded', authorization: authorizationOf('sns') }
  await sendText('POST', '/', headers, form.toString())
}

function callSqs(operation: string, body: object) {
  const headers = { 'content-type': 'application/x-amz-json-1.0', authorization: authorizationOf('sqs') }
  return send('POST', '/', { ...headers, 'x-amz-target': `AmazonSQS.${operation}` }, body)
}

/** Creates a topic and a queue that subscribes to it. Returns a function that receives the new messages. */
async function subscribe(topicArn: string): Promise<() => Promise<Published[]>> {
  const name = topicArn.split(':').at(-1) ?? ''
  const isFifo = name.endsWith('.fifo')
  const fifoTopic: Record<string, string> = {
    'Attributes.entry.1.key': 'FifoTopic',
    'Attributes.entry.1.value': 'true',
  }
  await callSns('CreateTopic', { Name: name, ...(isFifo ? fifoTopic : {}) })
  const queue = { QueueName: name, ...(isFifo && { Attributes: { FifoQueue: 'true' } }) }
  const { QueueUrl } = await callSqs('CreateQueue', queue)
  const Endpoint = topicArn.replace(':sns:', ':sqs:')
  await callSns('Subscribe', { TopicArn: topicArn, Protocol: 'sqs', Endpoint })
  return async () => {
    const { Messages = [] } = await callSqs('ReceiveMessage', { QueueUrl, MaxNumberOfMessages: 10 })
    return Messages.map(({ Body }: { Body: string }) => publishedIn(JSON.parse(Body)))
  }
}

function publishedIn({ MessageId, TopicArn, Message, Subject, MessageAttributes = {} }: ReturnType<typeof JSON.parse>) {
  const attributes = Object.entries<{ Value: string }>(MessageAttributes)
  return {
    id: MessageId,
    topic: TopicArn,
    message: Message,
    subject: Subject,
    attributes: Object.fromEntries(attributes.map(([name, { Value }]) => [name, Value])),
    deduplication: undefined,
    group: undefined,
  }
}

async function start() {
  await send('POST', '/moto-api/reset', {})
  const receive = await subscribe(topic)
  const published: Published[] = []
  return startPlatform(async () => {
    published.push(...(await receive()))
    return { published }
  }, {})
}

const { client, post } = testSns({ start, channel: topic }, { lacksNeeds: true })

test('SNS of moto delivers one of two attempts in a FIFO topic', async () => {
  const channel = `${topic}.fifo`
  const receive = await subscribe(channel)
  await post(question, { channel })
  const posted = await post(question, { channel })
  await awsSns.reply(client(), posted, reminder)
  await post(question, { channel, key: undefined })
  const heads = (await receive()).map(({ message }) => message.split('\n')[0])
  expect(heads).toEqual([`⏳ ${question.title}`, '⏳ Still open', `⏳ ${question.title}`])
})
