import { createHmac, createSign, generateKeyPairSync } from 'node:crypto'
import { beforeAll, describe, expect, it, test } from '@jest/globals'
import { generate } from 'selfsigned'
import { redact } from '../../../shared/redact.ts'
import type { NotificationRequest } from '../../../shared/sources/authenticate-source.ts'
import type { SourceTypeName } from '../../../shared/sources/load-source-type.ts'
import { readNotification } from '../../../shared/sources/read-notification.ts'
import { type SourceSecret, sourceSecret } from '../../../shared/sources/secret.ts'

const NOW = Date.parse('2026-11-30T10:00:00Z')
const TOKEN = 'a-token-of-a-source'

interface Sent extends Partial<Omit<NotificationRequest, 'rawBody'>> {
  body: string
}

/** Texts that Google and AWS publish, by URL. */
type Published = Record<string, string>

function read(type: SourceTypeName, { body, ...sent }: Sent, secret: SourceSecret, published: Published = {}) {
  const request = { headers: {}, query: {}, ...sent, rawBody: Buffer.from(body) }
  const fetched: string[] = []
  const fetchPublished = async (url: string, isFresh = false) => {
    fetched.push(isFresh ? `${url} again` : url)
    const text = published[url]
    if (text === undefined) throw new Error(`Unexpected request: ${url}`)
    return text
  }
  return readNotification({ type }, request, sourceSecret.parse(secret), NOW, fetchPublished).then(
    ({ kind }) => ({ kind, fetched }),
    (error) => ({ error: `${error.kind}: ${error.message}`, challenge: error.headers?.['www-authenticate'], fetched }),
  )
}

describe('A signed notification', () => {
  const body = '{"action":"completed","workflow_run":{"id":1}}'
  const key = 'the-current-signing-key'
  const signed = (text: string, by = key) => ({
    'x-github-event': 'workflow_run',
    'x-hub-signature-256': `sha256=${createHmac('sha256', by).update(text).digest('hex')}`,
  })

  test('is read', async () => {
    expect(await read('github', { body, headers: signed(body) }, { keys: [key] })).toMatchObject({ kind: 'ended' })
  })

  test('may have an older key', async () => {
    const older = 'the-older-signing-key'
    const secret = { keys: [key, older] }
    expect(await read('github', { body, headers: signed(body, older) }, secret)).toMatchObject({ kind: 'ended' })
  })

  test.each([
    [
      'no signature',
      { 'x-github-event': 'workflow_run' },
      'unauthenticated: The header x-hub-signature-256 is missing',
    ],
    ['another key', signed(body, 'a-key-of-another-sender'), 'unauthenticated: The signature in x-hub-signature-256'],
    ['the signature of another body', signed('{}'), 'unauthenticated: The signature in x-hub-signature-256'],
  ])('with %s is refused before its body is parsed', async (_name, headers, error) => {
    for (const sent of [body, 'not JSON'])
      expect(await read('github', { body: sent, headers }, { keys: [key] })).toMatchObject({
        error: expect.stringContaining(error),
      })
  })

  test.each(['payload=%7B%7D', '[]', '"text"', '', `${'{"a":'.repeat(300)}1${'}'.repeat(300)}`])(
    'with the body %j is refused',
    async (text) => {
      expect(await read('github', { body: text, headers: signed(text) }, { keys: [key] })).toMatchObject({
        error: expect.stringContaining('invalid: The body is not a JSON object. Let the sender send JSON'),
      })
    },
  )

  test('has keys that are masked in logs', async () => {
    const masked = 'a-signing-key-to-mask-0123'
    await read('github', { body }, { keys: [masked] })
    expect(redact(`key ${masked}`)).not.toContain(masked)
  })

  test('needs its signature, even if the request has the token', async () => {
    const sent = { body: '{"object_kind":"issue"}', headers: { 'x-gitlab-token': TOKEN } }
    expect(await read('gitlab', sent, { token: TOKEN })).toMatchObject({ kind: 'ignored' })
    expect(await read('gitlab', sent, { token: TOKEN, keys: ['a-signing-key-of-gitlab'] })).toMatchObject({
      error: expect.stringContaining('The header webhook-signature is missing'),
    })
  })

  test('may have the header names of Svix', async () => {
    const [id, time, text] = ['msg_1', String(NOW / 1_000), '{"id":"r-1"}']
    const bytes = Buffer.from('a-standard-signing-key-0123456789')
    const signature = createHmac('sha256', bytes).update(`${id}.${time}.${text}`).digest('base64')
    const headers = { 'svix-id': id, 'svix-timestamp': time, 'svix-signature': `v1,${signature}` }
    const secret = { keys: [`whsec_${bytes.toString('base64')}`] }
    expect(await read('http', { body: text, headers }, secret)).toMatchObject({ kind: 'ended' })
  })
})

describe('A notification with a token or a password', () => {
  const body = '{"id":7,"status":"running","trigger":"start","executionId":7}'
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
  const login = { user: 'webhooks', password: 'a-password-of-a-source' }

  it.each<[SourceTypeName, Omit<Sent, 'body'>, SourceSecret]>([
    ['awx', { headers: { authorization: `Bearer ${TOKEN}` } }, { token: TOKEN }],
    ['awx', { headers: { authorization: `bearer  ${TOKEN}` } }, { token: TOKEN }],
    ['awx', { headers: basic('webhooks:a-password-of-a-source') }, login],
    ['rundeck', { query: { token: TOKEN } }, { token: TOKEN }],
    ['http', { headers: { 'x-token': TOKEN } }, { token: TOKEN }],
  ])('of %s is accepted with %j', async (type, sent, secret) => {
    expect(await read(type, { body, ...sent }, secret)).toMatchObject({ kind: expect.any(String) })
  })

  it.each<[SourceTypeName, Omit<Sent, 'body'>, SourceSecret, string]>([
    [
      'awx',
      {},
      { token: TOKEN },
      'unauthenticated: The request has no credentials. Let the sender send the token as a bearer token.',
    ],
    ['awx', { query: { token: TOKEN } }, { token: TOKEN }, 'unauthenticated: The request has no credentials'],
    [
      'awx',
      { headers: { authorization: 'Bearer another-token-of-a-source' } },
      { token: TOKEN },
      'unauthenticated: The credentials do not match',
    ],
    ['awx', { headers: { authorization: `Bearer ${TOKEN}` } }, login, 'unauthenticated: The credentials do not match'],
    ['awx', { headers: basic('webhooks:another-password-01') }, login, 'unauthenticated: The credentials do not match'],
    ['awx', { headers: basic('other:a-password-of-a-source') }, login, 'unauthenticated: The credentials do not match'],
    ['awx', {}, login, 'unauthenticated: The request has no credentials. Let the sender send user and password'],
    ['rundeck', { query: { token: '' } }, { token: TOKEN }, 'unauthenticated: The credentials do not match'],
    [
      'awx',
      {},
      {},
      'misconfigured: The secret of the source has no credentials for AWX. Add token, or user and password.',
    ],
    [
      'github',
      {},
      { token: TOKEN },
      'misconfigured: The secret of the source has no credentials for GitHub. Add keys.',
    ],
    ['google-cloud-build', {}, { audience: 'a' }, 'for Google Cloud Build. Add serviceAccount and audience.'],
    ['aws-sns', {}, {}, 'for Amazon SNS. Add topics.'],
  ])('of %s is refused with %j and the secret %j', async (type, sent, secret, error) => {
    expect(await read(type, { body, ...sent }, secret)).toMatchObject({ error: expect.stringContaining(error) })
  })

  test('is refused with a challenge for the credentials of the source', async () => {
    expect(await read('awx', { body }, { token: TOKEN })).toMatchObject({ challenge: 'Bearer' })
    expect(await read('awx', { body }, login)).toMatchObject({ challenge: 'Basic realm="webhooks"' })
  })
})

describe('A push of Google', () => {
  const url = 'https://www.googleapis.com/oauth2/v3/certs'
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const other = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const published = {
    [url]: JSON.stringify({
      keys: [
        { kid: 'k0', kty: 'EC', crv: 'P-256', x: 'x', y: 'y' },
        { ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256' },
      ],
    }),
  }
  const secret = { serviceAccount: 'wake@acme.iam.gserviceaccount.com', audience: 'https://api.example.com/events' }
  const seconds = NOW / 1_000
  const claims = {
    iss: 'https://accounts.google.com',
    aud: secret.audience,
    email: secret.serviceAccount,
    email_verified: true,
    iat: seconds - 10,
    exp: seconds + 3_590,
  }
  const body = '{"message":{"messageId":"1","attributes":{"buildId":"b","status":"SUCCESS"}}}'

  function push(changes: object = {}, { header = {}, key = privateKey } = {}) {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const text = `${part({ alg: 'RS256', kid: 'k1', ...header })}.${part({ ...claims, ...changes })}`
    const signature = createSign('RSA-SHA256').update(text).sign(key, 'base64url')
    const headers = { authorization: `Bearer ${text}.${signature}` }
    return read('google-cloud-build', { body, headers }, secret, published)
  }

  test('is accepted with a token of the service account', async () => {
    expect(await push()).toEqual({ kind: 'ended', fetched: [url] })
    expect(await push({ iss: 'accounts.google.com' })).toEqual({ kind: 'ended', fetched: [url] })
  })

  test.each([
    ['issuer', { iss: 'https://accounts.example.com' }, 'not a valid token of Google'],
    ['audience', { aud: 'https://other.example.com' }, 'another audience'],
    ['service account', { email: 'other@other.iam.gserviceaccount.com' }, 'another service account'],
    ['unverified address', { email_verified: false }, 'not a valid token of Google'],
    ['end', { exp: seconds - 61 }, 'has expired'],
    ['start', { iat: seconds + 61 }, 'not valid yet'],
  ])('with another %s is refused without a request', async (_name, changes, error) => {
    expect(await push(changes)).toMatchObject({ error: expect.stringContaining(error), fetched: [] })
  })

  test.each([
    ['no signature algorithm', { header: { alg: 'none' } }, []],
    ['a symmetric algorithm', { header: { alg: 'HS256' } }, []],
    ['an unknown key', { header: { kid: 'k2' } }, [url, `${url} again`]],
    ['a key of another algorithm', { header: { kid: 'k0' } }, [url, `${url} again`]],
    ['the signature of another key', { key: other.privateKey }, [url]],
  ])('with %s is refused', async (_name, options, fetched) => {
    expect(await push({}, options)).toMatchObject({
      error: 'unauthenticated: The token is not a valid token of Google.',
      fetched,
    })
  })

  test('without a token is refused', async () => {
    for (const headers of [{}, { authorization: 'Bearer a.b' }, { authorization: `Bearer ${TOKEN}` }])
      expect(await read('google-cloud-build', { body, headers }, secret)).toMatchObject({
        error: expect.stringContaining('The request has no token of Google'),
      })
  })

  test('cannot be verified without usable keys', async () => {
    const broken = { [url]: '{}' }
    const headers = { authorization: '' }
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    headers.authorization = `Bearer ${part({ alg: 'RS256', kid: 'k1' })}.${part(claims)}.c2ln`
    expect(await read('google-cloud-build', { body, headers }, secret, broken)).toMatchObject({
      error: 'unavailable: Google returned no set of keys.',
    })
  })
})

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
    'https://sns.us-east-1.amazonaws.com/a.pem',
    'http://sns.eu-west-1.amazonaws.com/a.pem',
    'https://sns.eu-west-1.amazonaws.com:8443/a.pem',
    'https://user@sns.eu-west-1.amazonaws.com/a.pem',
    'https://sns.eu-west-1.amazonaws.com.example.com/a.pem',
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

  test('cannot be verified without a certificate', async () => {
    published = { [certificateUrl]: 'not a certificate' }
    expect(await send()).toMatchObject({ error: 'unavailable: AWS returned no certificate for the message.' })
  })
})

describe('The secret of a source', () => {
  test.each<[string, SourceSecret]>([
    ['four keys', { keys: Array.from({ length: 4 }, (_, index) => `a-signing-key-of-a-source-${index}`) }],
    ['no key', { keys: [] }],
    ['a short key', { keys: ['short'] }],
    ['a short token', { token: 'short' }],
    ['a name instead of a topic', { topics: ['wake'] }],
  ])('is refused with %s', (_name, secret) => {
    expect(sourceSecret.safeParse(secret).success).toBe(false)
  })
})
