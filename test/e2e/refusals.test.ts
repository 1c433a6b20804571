import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { tokenHash } from '../../infra/project/token-hash.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { type CallOptions, Service, triggered } from './service.ts'

const tokens = {
  old: 'caller-token-old',
  next: 'caller-token-next',
  other: 'caller-token-other',
  lonely: 'caller-token-lonely',
}

const service = new Service({
  secrets: {
    'cloud-automation-webhooks/callers': {
      demo: { tokens: [tokenHash(demo.callerToken)], categories: ['*'], orchestrator: 'sandbox' },
      rotating: {
        tokens: [tokenHash(tokens.old), tokenHash(tokens.next)],
        categories: ['issue-ticketing'],
        orchestrator: 'sandbox',
      },
      elsewhere: { tokens: [tokenHash(tokens.other)], categories: ['load-testing', 'slo'], orchestrator: 'sandbox' },
      lonely: { tokens: [tokenHash(tokens.lonely)], categories: ['*'], orchestrator: 'nowhere' },
    },
    'cloud-automation-webhooks/connections/issue-ticketing/broken': { provider: 'github', tokn: 'x' },
    'cloud-automation-webhooks/connections/issue-ticketing/strange': { provider: 'bugzilla' },
  },
})
beforeAll(() => service.start())
afterAll(async () => {
  await service.end()
})

function expectProblem(answer: { status: number; headers: Headers; body: unknown }, status: number, detail: RegExp) {
  expect(answer.body).toMatchObject({
    type: 'about:blank',
    title: expect.any(String),
    status,
    detail: expect.stringMatching(detail),
  })
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.status).toBe(status)
}

const interactive = '?mode=interactive&sendStarted=true'
const json = { headers: { 'content-type': 'application/json' } }

describe('A body', () => {
  const valid = triggered()
  const withInput = (input: object) => ({ ...valid, input })
  const form = (...fields: [string, string][]) => new URLSearchParams(fields)
  /** Texts are sent as JSON. */
  const cases: [string, unknown, RegExp][] = [
    ['that is not JSON', '{"id": "1", ', /not valid JSON .*send a form/],
    ['that a quote in a value broke', '{"data":{"title":"a "quoted" title"}}', /not valid JSON/],
    ['that is a JSON array', '[1]', /is an array\. Send one JSON object/],
    ['that is null', 'null', /is null\. Send one JSON object/],
    ['that is a number', '7', /is a number\. Send one JSON object/],
    ['that nests deeply', `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`, /nested deeper than 32 levels/],
    ['that nests lists deeply', `{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, /nested deeper than 32 levels/],
    ['with a field of the wrong type', withInput({ title: { a: 1 } }), /input\.title must be text, not an object/],
    ['with a list of the wrong type', withInput({ labels: [{}] }), /input\.labels\.0 must be text, not an object/],
    ['whose input is text', { ...valid, input: 'title' }, /input must be an object, not text/],
    ['whose data is text', { ...valid, data: 'x' }, /data must be an object, not text/],
    ['with __proto__', '{"id":"1","__proto__":{"a":1}}', /__proto__/],
    ['with __proto__ inside', '{"id":"1","data":{"x":{"__proto__":{"a":1}}}}', /__proto__/],
    ['with a constructor to pollute', '{"constructor":{"prototype":{"a":1}}}', /constructor is not allowed/],
    ['with a constructor', '{"id":"1","constructor":{"a":1}}', /constructor is not allowed/],
    ['with an escaped __proto__', '{"\\u005f_proto__":{}}', /__proto__ is not allowed/],
    ['with a prototype inside', '{"id":"1","data":{"prototype":1}}', /prototype is not allowed/],
    ['that is a form with __proto__', form(['__proto__.a', '1']), /__proto__ is not allowed/],
    ['that is a form whose names contradict', form(['data', '1'], ['data.project', 'p']), /data already has a value/],
    ['in bad UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), /not UTF-8/],
    ['with an id of 10 KB', { ...valid, id: 'x'.repeat(10_240) }, /id must be at most 128 characters/],
    ['with an unknown field', withInput({ titel: 'x' }), /input\.titel is not a known field\. Did you mean "title"\?/],
    [
      'with a field name of 200 KB',
      withInput({ ['x'.repeat(200_000)]: 'x' }),
      /input\.x{254}… is not a known field\. Fields/,
    ],
    [
      'with an unknown property of the task',
      { ...valid, data: { ...valid.data, openticket: { asignee: 'x' } } },
      /Did you mean "assignee"/,
    ],
    ['with an invalid project', withInput({ title: 'x', project: 'no slash' }), /must look like octo-org\/octo-repo/],
    ['with a path in the project', withInput({ title: 'x', project: '../..' }), /must look like octo-org/],
  ]
  it.each(cases)('%s is rejected in both modes with a fix', async (_name, body, detail) => {
    const options = typeof body === 'string' || body instanceof Uint8Array ? json : undefined
    expectProblem(await service.openIssue(body, '', options), 400, detail)
    expectProblem(await service.openIssue(body, interactive, options), 400, detail)
  })

  it('without any field is rejected with all missing fields', async () => {
    const answer = await service.openIssue({ input: { titel: 1 } }, interactive)
    expectProblem(answer, 400, /id .*type .*shkeptncontext .*data\.project .*data\.stage .*data\.service/)
    const paths = (answer.body as { errors: { path: string }[] }).errors.map(({ path }) => path)
    expect(paths).toEqual(['id', 'type', 'shkeptncontext', 'data.project', 'data.stage', 'data.service', 'input.titel'])
  })

  it.each(['not-a-uuid-at-all-0123456789', '6e7bc693', '6e7bc693-1dd2-4ab4-8a65-91949312d23c-1'])(
    'with the context %s, which is not a UUID, is refused in interactive mode',
    async (shkeptncontext) => {
      const answer = await service.openIssue(triggered({ shkeptncontext }), interactive)
      expectProblem(answer, 400, /shkeptncontext \(".*" is not a UUID/)
      expect((answer.body as { errors: object[] }).errors).toEqual([
        { path: 'shkeptncontext', message: expect.stringContaining('is not a UUID') },
      ])
      expect((await service.openIssue(triggered({ shkeptncontext }), '?dryRun=true')).status).toBe(200)
    },
  )

  it('with an event that is not a trigger is rejected in interactive mode, because its response would loop', async () => {
    for (const type of [
      'sh.keptn.event.openticket.finished',
      'sh.keptn.event.openticket.started',
      'sh.keptn.event.production.incident.triggered',
      'a',
    ]) {
      expectProblem(
        await service.openIssue({ ...valid, type }, interactive),
        400,
        /does not trigger a task.*mode=silent/,
      )
    }
  })
})

describe('A query', () => {
  it.each([
    ['?mod=interactive', /Did you mean "mode"/],
    ['?mode=loud', /must be silent, interactive, or gate/],
    ['?mode=silent&mode=interactive', /mode must not be sent more than once/],
    ['?sendStarted=yes', /must be true or false/],
    ['?deadline=2h', /ISO 8601 duration such as PT30M/],
    ['?deadline=PT0S', /ISO 8601/],
    ['?deadline=P8D', /at most P7D/],
    ['?when=failed', /pass, warning or fail/],
    ['?input.titel=x', /Did you mean "title"/],
  ])('%s is rejected with what to send instead', async (query, detail) => {
    expectProblem(await service.openIssue(triggered(), query), 400, detail)
  })
})

describe('A path', () => {
  it.each(['//', '//v1/issue-ticketing/open-issue', '/v1//issue-ticketing//'])(
    '%s is one like any other',
    async (path) => {
      expect((await service.call(path, {})).status).toBeLessThan(500)
      expect(service.output).not.toContain('failed to answer')
    },
  )
  it('to an unknown approval returns a complete page', async () => {
    const page = await fetch(`${service.url}/v1/notification/approvals/nothing`)
    expect(page.status).toBe(403)
    expect(await page.text()).toContain('</html>')
    expect(service.output).not.toContain('failed to answer')
  })
  it('with another method returns 405 with the one to use', async () => {
    const answer = await service.call('/v1/issue-ticketing/open-issue', undefined, { method: 'GET' })
    expectProblem(answer, 405, /Use POST/)
    expect(answer.headers.get('allow')).toBe('POST')
  })
})

const open = '/v1/issue-ticketing/open-issue'
const task = `/v1/issue-ticketing/tasks/${'0'.repeat(40)}`
const { other, lonely } = tokens
const large = { input: { description: 'x'.repeat(300 * 1024) } }
const xml = { headers: { 'content-type': 'application/xml' } }

describe('A call', () => {
  it.each<[string, string, number, RegExp, unknown?, CallOptions?]>([
    ['of a misspelled category', '/v1/isue-ticketing/open-issue', 404, /Did you mean "issue-ticketing"/],
    [
      'of an unknown category',
      '/v1/nothing/at-all',
      404,
      /^Unknown category "nothing"\. Categories: .*issue-ticketing/,
    ],
    ['of an action as a category', '/v1/remediation-runbook/run', 404, /Did you mean "remediation"\?/],
    ['of an action with another verb', '/v1/incident-management/create-ticket', 404, /Did you mean "open-ticket"\?/],
    ['of a misspelled action', '/v1/issue-ticketing/open-isue', 404, /Did you mean "open-issue"/],
    ['of an inherited name', '/v1/issue-ticketing/constructor', 404, /Actions: open-issue, update-issue, close-issue/],
    ['with an unknown connection', `${open}?connection=nope`, 404, /Connections: .*default/],
    ['with a path as its connection', `${open}?connection=../../callers`, 404, /Unknown connection/],
    [
      'with an unknown connection in its body',
      open + interactive,
      404,
      /Unknown connection "nope"/,
      { ...triggered(), connection: 'nope' },
    ],
    [
      'with an incomplete connection',
      `${open}${interactive}&connection=broken`,
      503,
      /connections\/issue-ticketing\/broken is not valid: token is required; tokn is not a known field\. Did you mean "token"/,
    ],
    [
      'with a connection of an unknown provider',
      `${open}?connection=strange`,
      404,
      /"bugzilla".*azure-boards, github, gitlab, jira, (?:\w+, )*redmine/,
    ],
    ['of 300 KB', open, 413, /at most 262144/, large],
    ['of 300 KB in interactive mode', open + interactive, 413, /at most 262144/, large],
    ['of another content type', open, 415, /Send application\/json or application\/x-www/, '<xml/>', xml],
    ['of another content type in interactive mode', open + interactive, 415, /Send application\/json/, '<xml/>', xml],
    [
      'for a category that its caller may not use',
      open + interactive,
      403,
      /elsewhere may not use issue-ticketing/,
      undefined,
      { token: other },
    ],
    [
      'of a caller without its orchestrator',
      open + interactive,
      503,
      /no secret cloud-automation-webhooks\/orchestrators\/nowhere/,
      undefined,
      { token: lonely },
    ],
    ['for an unknown task', task, 404, /no task/, null, { method: 'GET' }],
    ['for a task with an invalid id', '/v1/issue-ticketing/tasks/x', 404, /no task/, null, { method: 'GET' }],
    ['for a task with a path as its id', '/v1/issue-ticketing/tasks/..%2f..', 404, /no task/, null, { method: 'GET' }],
    ['for a task that its caller may not read', task, 403, /may not use/, null, { method: 'GET', token: other }],
  ])(
    '%s is rejected with what to send instead',
    async (_what, path, status, detail, body = triggered(), options = {}) => {
      expectProblem(await service.call(path, body ?? undefined, options), status, detail)
    },
  )

  it('of an unknown path returns 404 with the path to call', async () => {
    const { status, body } = await service.call('/runtask', triggered())
    expect([status, body.message]).toEqual([
      404,
      'Not found: /runtask. Call POST /v1/<category>/<action>?mode=interactive, or without mode for a silent call.',
    ])
  })

  it('larger than the limit of API Gateway is rejected before it is read', async () => {
    expect((await service.openIssue('x'.repeat(11 * 1024 * 1024), '', json)).status).toBe(413)
  })
})

describe('A caller', () => {
  it('without a valid token gets 401 and no other information', async () => {
    for (const token of [null, '', 'wrong', 'x'.repeat(5_000)]) {
      const answer = await service.openIssue(triggered(), interactive, { token })
      expectProblem(answer, 401, /token/i)
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
      expect(JSON.stringify(answer.body)).not.toMatch(/rotating|elsewhere|sha256/)
    }
  })
  it('can use either of its two tokens in either header', async () => {
    for (const token of [tokens.old, tokens.next]) {
      expect((await service.openIssue(triggered(), '?dryRun=true', { token })).status).toBe(200)
      expect(
        (await service.openIssue(triggered(), '?dryRun=true', { token: null, headers: { 'x-token': token } })).status,
      ).toBe(200)
    }
  })
})

it.each([
  'notification/slack',
  'notification/mattermost',
  'notification/discord',
  'notification/telegram',
  'notification/approvals/a-link',
])('a body of 300 KB at the public route %s is refused before anything of it is parsed', async (route) => {
  const options = { token: null, headers: { 'content-type': 'application/json' } }
  expectProblem(await service.call(`/v1/${route}`, '['.repeat(300 * 1024), options), 413, /at most 262144/)
})

it('After all rejected calls, no event was sent, no issue was opened, and the next call succeeds', async () => {
  expect(await service.events()).toEqual([])
  expect(await service.issues()).toEqual([])
  expect((await service.openIssue(triggered())).status).toBe(200)
})
