import { createSign } from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { generate } from 'selfsigned'
import { NOW, type Published, read } from './read-request.ts'

describe('A message of SNS', () => {
  const topic = 'arn:aws:sns:eu-west-1:123456789012:wake'
  const certificateUrl = 'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-01d088a6.pem'
  const message = {
    Type: 'Notification',
    MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
    TopicArn: topic,
    Subject: 'A subject',
    Message: 'Hello',
    Timestamp: new Date(NOW - 1_000).toISOString(),
    SigningCertURL: certificateUrl,
  }
  let key: string
  let published: Published

  beforeAll(async () => {
    const { private: generated, cert } = await generate([{ name: 'commonName', value: 'sns.amazonaws.com' }], {
      keyType: 'rsa',
      notBeforeDate: new Date(NOW - 86_400_000),
      notAfterDate: new Date(NOW + 86_400_000),
    })
    key = generated
    published = { [certificateUrl]: cert }
  })

  /** Signs as the documents of SNS describe it, and then changes the message. */
  function send(fields: Record<string, string | undefined> = {}, changes: object = {}, version = '2') {
    const signed: Record<string, string | undefined> = { ...message, ...fields }
    const names = ['Message', 'MessageId', 'Subject', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type']
    const used = names.filter((name) => signed[name] !== undefined)
    const text = used.map((name) => `${name}\n${signed[name]}\n`).join('')
    const Signature = createSign(version === '2' ? 'RSA-SHA256' : 'RSA-SHA1')
      .update(text)
      .sign(key, 'base64')
    const body = JSON.stringify({ ...signed, Signature, SignatureVersion: version, ...changes })
    return read('aws-sns', { body }, { topics: [topic] }, published)
  }

  test.each(['1', '2'])('is accepted with the signature version %s', async (version) => {
    expect(await send({}, {}, version)).toEqual({ kind: 'ignored', fetched: [certificateUrl] })
    expect(await send({ Subject: undefined }, {}, version)).toMatchObject({ kind: 'ignored' })
  })

  test('may confirm a subscription', async () => {
    const SubscribeURL = 'https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t'
    expect(
      await send({ Type: 'SubscriptionConfirmation', Token: 't', SubscribeURL, Subject: undefined }),
    ).toMatchObject({
      kind: 'first-request',
    })
  })

  test.each([
    ['Message', 'Goodbye'],
    ['Subject', undefined],
    ['MessageId', 'another'],
    ['Signature', 'AAAA'],
    ['SignatureVersion', '1'],
  ])('is refused with another %s', async (name, value) => {
    expect(await send({}, { [name]: value })).toMatchObject({
      error: 'unauthenticated: The signature of the message is not valid.',
    })
  })

  test.each([-2, 2])('is refused %i hours from now', async (hours) => {
    const Timestamp = new Date(NOW + hours * 3_600_000 + hours).toISOString()
    expect(await send({ Timestamp })).toMatchObject({ error: expect.stringContaining('within the last two hours') })
  })

  test.each([
    'https://sns.us-east-1.amazonaws.com/SimpleNotificationService-01d088a6.pem',
    'http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-01d088a6.pem',
    'https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-01d088a6.pem',
    'https://user@sns.eu-west-1.amazonaws.com/SimpleNotificationService-01d088a6.pem',
    'https://sns.eu-west-1.amazonaws.com.example.com/SimpleNotificationService-01d088a6.pem',
    'https://sns.eu-west-1.amazonaws.com/a.pem',
    'https://sns.eu-west-1.amazonaws.com/a/SimpleNotificationService-01d088a6.pem',
    'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-01d088a6.pem?Action=Publish',
    'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-01d088a6.pem#a',
    'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-..%2f01d088a6.pem',
    'https://sns.eu-west-1.amazonaws.com/?Action=Publish&a=.pem',
    'https://example.com/sns.eu-west-1.amazonaws.com/a.pem',
    'a.pem',
  ])('is refused with the certificate at %s, without a request', async (SigningCertURL) => {
    expect(await send({ SigningCertURL })).toMatchObject({
      error: expect.stringContaining('unauthenticated: The certificate of the message is not at a URL of SNS'),
      fetched: [],
    })
  })

  test('is refused for another topic, or without its fields', async () => {
    const other = { TopicArn: 'arn:aws:sns:eu-west-1:999999999999:wake' }
    expect(await send(other)).toMatchObject({ error: expect.stringContaining('does not list'), fetched: [] })
    expect(await send({}, { SignatureVersion: '3' })).toMatchObject({
      error: expect.stringContaining('not a signed message of SNS'),
      fetched: [],
    })
  })

  test.each([
    ['has expired', -20, -1],
    ['is not valid yet', 1, 20],
  ])('is refused with a certificate that %s', async (_when, from, to) => {
    const days = (count: number) => new Date(NOW + count * 86_400_000)
    const { private: generated, cert } = await generate([{ name: 'commonName', value: 'sns.amazonaws.com' }], {
      keyType: 'rsa',
      notBeforeDate: days(from),
      notAfterDate: days(to),
    })
    const before = { key, published }
    key = generated
    published = { [certificateUrl]: cert }
    expect(await send()).toMatchObject({
      error: expect.stringContaining('certificate of the message is not valid now'),
    })
    key = before.key
    published = before.published
  })

  test('cannot be verified without a certificate', async () => {
    published = { [certificateUrl]: 'not a certificate' }
    expect(await send()).toMatchObject({ error: 'unavailable: AWS returned no certificate for the message.' })
  })
})
