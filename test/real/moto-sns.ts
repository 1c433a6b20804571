import '../functions/aws.ts'
import assert from 'node:assert/strict'
import { awsSns } from '../../functions/notification/providers/aws-sns.ts'
import { clientOf, keyOf } from '../functions/client.ts'
import { evaluation, hostile, question } from '../functions/notification/messages.ts'
import { fails } from './failures.ts'
import { sqs } from './moto-task-tokens.ts'
import type { Checks } from './program.ts'

const region = 'us-east-1'
const account = '123456789012'

/** A message that SNS delivers to a queue. */
interface Delivered {
  MessageId: string
  Message: string
  Subject?: string
  MessageAttributes?: Record<string, { Type: string; Value: string }>
}

/** The provider as it ships, on the API of SNS, with a queue that has subscribed. */
export function snsChecks(endpoint: string): Checks['tests'] {
  const connected = (fields: object = {}, options: { key?: string | undefined } = { key: keyOf(1) }) =>
    clientOf(awsSns, awsSns.connection.parse({ endpoint, region, ...fields }), options)
  const sns = async (Action: string, parameters: Record<string, string>) => {
    const scope = `20261124/${region}/sns/aws4_request`
    const authorization = `AWS4-HMAC-SHA256 Credential=test/${scope}, SignedHeaders=host, Signature=none`
    const body = new URLSearchParams({ Action, Version: '2010-03-31', ...parameters })
    const response = await fetch(endpoint, { method: 'POST', headers: { authorization }, body })
    assert.ok(response.ok, await response.text())
  }
  /** A topic, and the messages since the last call. */
  const subscribed = async (name: string) => {
    const isFifo = name.endsWith('.fifo')
    const attributes: Record<string, string> = isFifo
      ? { 'Attributes.entry.1.key': 'FifoTopic', 'Attributes.entry.1.value': 'true' }
      : {}
    await sns('CreateTopic', { Name: name, ...attributes })
    const queue = { QueueName: name, ...(isFifo ? { Attributes: { FifoQueue: 'true' } } : {}) }
    const { QueueUrl } = await sqs(endpoint, region, 'CreateQueue', queue)
    const topic = `arn:aws:sns:${region}:${account}:${name}`
    const Endpoint = `arn:aws:sqs:${region}:${account}:${name}`
    await sns('Subscribe', { TopicArn: topic, Protocol: 'sqs', Endpoint })
    const delivered = async (): Promise<Delivered[]> => {
      const { Messages = [] } = await sqs(endpoint, region, 'ReceiveMessage', { QueueUrl, MaxNumberOfMessages: 10 })
      return Messages.map(({ Body }: { Body: string }) => JSON.parse(Body))
    }
    return { topic, delivered }
  }

  return {
    async 'SNS delivers a text with a subject and what subscriptions filter by'() {
      const { topic, delivered } = await subscribed('deploys')
      await awsSns.check(connected({ channel: topic }))
      const { id } = await awsSns.post(connected(), topic, evaluation)
      const [sent] = await delivered()
      assert.equal(sent?.MessageId, id)
      assert.equal(sent?.Subject, evaluation.title)
      assert.match(
        sent?.Message ?? '',
        /^⚠️ Evaluation of checkout(?:.|\n)+\nDashboard: https:\/\/dashboards\.example\.com\/d\/1$/,
      )
      assert.deepEqual(sent?.MessageAttributes?.['mood'], { Type: 'String', Value: 'warning' })
      assert.deepEqual(sent?.MessageAttributes?.['project'], { Type: 'String', Value: 'shop' })
    },
    async 'SNS accepts any text of up to 256 KB'() {
      const { topic } = await subscribed('any-text')
      for (const text of [...hostile, '😀'.repeat(100_000)]) {
        const message = { ...question, title: text, text, fields: [{ name: text, value: text }] }
        assert.match((await awsSns.post(connected(), topic, message)).id ?? '', /^[0-9a-f-]{36}$/)
      }
    },
    async 'SNS delivers one of two attempts in a FIFO topic'() {
      const { topic, delivered } = await subscribed('deploys.fifo')
      await awsSns.post(connected(), topic, question)
      const posted = await awsSns.post(connected(), topic, question)
      await awsSns.reply(connected(), posted, { mood: 'waiting', title: 'Still open', fields: [], links: [] })
      await awsSns.post(connected({}, { key: undefined }), topic, question)
      const heads = (await delivered()).map(({ Message }) => Message.split('\n')[0])
      assert.deepEqual(heads, [`⏳ ${question.title}`, '⏳ Still open', `⏳ ${question.title}`])
    },
    async 'SNS describes a missing topic in its own words'() {
      const { topic } = await subscribed('some')
      const words = /AWS SNS answered 404 to POST \/: NotFound: \w+ does not exist/
      await fails(awsSns.post(connected(), `${topic}-other`, evaluation), words)
    },
  }
}
