import { createHmac } from 'node:crypto'
import { describe, expect, it, test } from '@jest/globals'
import { redact } from '../../../shared/redact.ts'
import { readAlerts } from '../../../shared/sources/alerts.ts'
import { loadSourceType, type SourceTypeName, sourceTypeNames } from '../../../shared/sources/load-source-type.ts'
import { headersCoveredBy, type SignatureScheme, signatureSchemes } from '../../../shared/sources/schemes.ts'
import { type SourceSecret, sourceSecret } from '../../../shared/sources/secret.ts'
import { NOW, read, readSent, type Sent, TOKEN } from './read-request.ts'
import { load } from './recorded.ts'

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

  test('of Grafana may have a time, which is then signed', async () => {
    const text = '{"status":"firing","alerts":[]}'
    const time = (ms: number) => String(ms / 1_000)
    const sent = (signedText: string, timestamp?: string) => ({
      body: text,
      headers: {
        'x-grafana-alerting-signature': createHmac('sha256', key).update(signedText).digest('hex'),
        ...(timestamp === undefined ? {} : { 'x-grafana-alerting-timestamp': timestamp }),
      },
    })
    const accepted = { kind: 'ignored' }
    const refused = { error: expect.stringContaining('unauthenticated') }
    const results = [
      [sent(text), accepted],
      [sent(`${time(NOW)}:${text}`, time(NOW)), accepted],
      [sent(`${time(NOW - 301_000)}:${text}`, time(NOW - 301_000)), refused],
      [sent(text, time(NOW)), refused],
      [sent(`${time(NOW)}:${text}`), refused],
    ] as const
    for (const [request, result] of results)
      expect(await read('grafana', request, { keys: [key] })).toMatchObject(result)
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

/** Signs a body as a scheme says. */
function sign(scheme: SignatureScheme, body: string, signed: Record<string, string>): Record<string, string> {
  const { header, prefix = '', algorithm = 'sha256', encoding = 'hex', text = '{body}' } = scheme
  const filled = text.replace(/\{(?:header:)?([^{}]+)\}/g, (_, name) => (name === 'body' ? body : String(signed[name])))
  const bytes = Buffer.from(KEY.slice(scheme.key?.prefix.length ?? 0), scheme.key?.encoding ?? 'utf8')
  return { ...signed, [header]: prefix + createHmac(algorithm, bytes).update(filled).digest(encoding) }
}
const KEY = `whsec_${Buffer.from('a-signing-key-of-the-tests-0123456789').toString('base64')}`
const seconds = String(NOW / 1_000)

describe('A copy of a signed notification', () => {
  /** One body for each type that signs. Types that no row lists sign nothing. */
  const bodies: [SourceTypeName, body: object, event?: Record<string, string>][] = [
    ['circleci', { type: 'workflow-completed', id: 'd-1', pipeline: { id: 'p-1' } }],
    ['github', load('github/issues.opened').body, { 'x-github-event': 'issues' }],
    ['gitlab', load('gitlab/issue').body],
    ['grafana', load('grafana/firing').body],
    ['hcp-terraform', { run_id: 'run-1', notifications: [{ trigger: 'run:completed' }] }],
    ['http', { id: 'r-1' }],
    ['incident-io', load('incident-io/public_incident.incident_created_v2').body],
    ['jira', { webhookEvent: 'jira:issue_updated', timestamp: NOW, issue: { id: '1', key: 'A-1' } }],
    ['linear', { type: 'Issue', action: 'update', webhookTimestamp: NOW, data: { identifier: 'A-1' } }],
    ['pagerduty', load('pagerduty/incident.triggered').body],
    ['sentry', load('sentry/issue.created').body, { 'sentry-hook-resource': 'issue' }],
    ['steadybit', { event: 'experiment.execution.completed', execution: { id: '1' } }],
  ]
  const cases = bodies.flatMap(([type, body, event = {}]) => ({ type, body: JSON.stringify(body), event }))

  test.each(cases)('of $type is the same alert with any other headers', async ({ type, body, event }) => {
    const source = await loadSourceType(type)
    for (const name of source.signatures ?? []) {
      const scheme: SignatureScheme = signatureSchemes[name]
      const covered = Object.fromEntries(headersCoveredBy(scheme).map((header) => [header, seconds]))
      const signed = { ...event, ...sign(scheme, body, covered) }
      const identityWith = async (headers: Record<string, string>) => {
        const notification = await readSent(type, { body, headers: { ...headers, ...signed } }, { keys: [KEY] })
        const { alerts, unusable } = await readAlerts(source, notification)
        expect(unusable).toEqual([])
        return { delivery: notification.delivery, alerts }
      }
      const ids = ['webhook-id', 'svix-id', 'ce-id', 'idempotency-key', 'request-id', 'linear-delivery']
      const others = [...ids, 'x-github-delivery', 'x-atlassian-webhook-identifier', 'x-webhook-id', 'x-unknown']
      const copy = Object.fromEntries([...others, 'sentry-hook-timestamp'].map((header) => [header, '1796032801']))
      expect([name, await identityWith(copy)]).toEqual([name, await identityWith({})])
    }
  })

  test('is tried for each type that signs', async () => {
    const types = await Promise.all(sourceTypeNames.map(async (name) => ({ name, ...(await loadSourceType(name)) })))
    const signing = types.filter(({ signatures }) => signatures !== undefined).map(({ name }) => name)
    expect(bodies.map(([type]) => type)).toEqual(signing)
  })

  test.each<[SourceTypeName, file: string, header: string, event: string, changes?: object]>([
    ['github', 'github/issues.opened', 'x-github-event', 'issues', { comment: { id: 1 }, action: 'deleted' }],
    ['github', 'github/issues.opened', 'x-github-event', 'issue_comment'],
    ['github', 'github/issues.opened', 'x-github-event', 'pull_request'],
    ['github', 'github/issues.opened', 'x-github-event', 'release'],
    ['sentry', 'sentry/issue.resolved', 'sentry-hook-resource', 'metric_alert'],
    ['sentry', 'sentry/metric_alert.resolved', 'sentry-hook-resource', 'issue'],
    ['sentry', 'sentry/event_alert.triggered', 'sentry-hook-resource', 'issue'],
  ])('of %s (%s) is refused with the header %s: %s', async (type, file, header, event, changes = {}) => {
    const body = JSON.stringify({ ...load(file).body, ...changes })
    const [name = 'github'] = (await loadSourceType(type)).signatures ?? []
    const headers = { [header]: event, ...sign(signatureSchemes[name], body, {}) }
    expect(await read(type, { body, headers }, { keys: [KEY] })).toMatchObject({
      error: expect.stringContaining(`invalid: The body is not that of the event ${event}`),
    })
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
