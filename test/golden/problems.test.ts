import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { categories } from '../../functions/index.ts'
import { tokenHash } from '../../infra/project/token-hash.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import type { FaultSpec } from '../../infra/sandbox/platforms/sandbox/faults.ts'
import { newestOf } from '../../infra/testing/loopback-server.ts'
import { actionNames } from '../../shared/providers/category.ts'
import { type Answer, type CallOptions, Service, triggered } from '../e2e/service.ts'
import { waitForAll } from '../wait-for-all.ts'
import { expectGolden } from './golden.ts'

const PREFIX = 'cloud-automation-webhooks'
const callers = {
  demo: { tokens: [tokenHash(demo.callerToken)], categories: ['*'], orchestrator: 'sandbox', reads: 'all' },
  limited: { tokens: [tokenHash('limited-token')], categories: ['slo'], orchestrator: 'sandbox' },
  other: { tokens: [tokenHash('other-token')], categories: ['*'], orchestrator: 'sandbox' },
  unconnected: { tokens: [tokenHash('unconnected-token')], categories: ['*'], orchestrator: 'nowhere' },
}
const service = new Service({
  webhookTimeout: 6,
  concurrency: 6,
  timeScale: 60,
  secrets: (url) => ({
    [`${PREFIX}/callers`]: callers,
    [`${PREFIX}/connections/issue-ticketing/broken`]: { provider: 'github', tokn: 'x' },
    [`${PREFIX}/connections/issue-ticketing/strange`]: { provider: 'bugzilla' },
    [`${PREFIX}/connections/remediation/mapped`]: {
      provider: 'rundeck',
      baseUrl: `${url}/sandbox/rundeck`,
      token: demo.rundeckToken,
      project: 'shop',
      actions: { 'toggle-feature': { action: 'toggle-flag', connection: 'flags' } },
    },
  }),
})
const answers: Record<string, Answer> = {}
beforeAll(async () => {
  await service.start()
  const slow = Object.entries(problems).filter(([name]) => isSlow(name))
  const slowAnswers = waitForAll(slow.map(async ([name, send]) => [name, await send()] as const))
  for (const [name, send] of Object.entries(problems)) if (!isSlow(name)) answers[name] = await send()
  Object.assign(answers, Object.fromEntries(await slowAnswers))
})
afterAll(() => service.end())

const INTERACTIVE = 'mode=interactive&sendStarted=true'
const OPEN = 'issue-ticketing/open-issue'
const json = { headers: { 'content-type': 'application/json' } }
const ticket = { input: { title: 'Checkout is slow' } }

const call = (path: string, body?: unknown, options?: CallOptions) => service.call(`/v1/${path}`, body, options)
const open = (body: unknown, query = '', options?: CallOptions) => call(`${OPEN}?${query}`, body, options)
const get = (path: string, token?: string) => call(path, undefined, { method: 'GET', ...(token ? { token } : {}) })
const input = (path: string, fields: object) => call(path, triggered({ input: fields }))

let projects = 0
/** Opens a ticket in a project in which the platform is broken. */
async function openWith({ match, ...fault }: Omit<FaultSpec, 'target'>, event: object = triggered()): Promise<Answer> {
  const project = `demo/broken-${++projects}`
  await service.fault({ target: 'github', ...fault, match: { ...match, path: `${project}/` } })
  return open({ ...event, input: { ...ticket.input, project } })
}

const problems: Record<string, () => Promise<Answer>> = {
  'body: invalid JSON': () => open('{"id": "1", ', '', json),
  'body: other content type': () => open('<xml/>', '', { headers: { 'content-type': 'application/xml' } }),
  'body: too large': () => open({ input: { description: 'x'.repeat(300 * 1024) } }),
  'body: too large for API Gateway': () => open('x'.repeat(11 * 1024 * 1024), '', json),
  'body: JSON array': () => open('[1]', '', json),
  'body: null': () => open('null', '', json),
  'body: deep nesting': () => open(`${'{"a":'.repeat(50)}1${'}'.repeat(50)}`, '', json),
  'body: __proto__': () => open('{"data":{"__proto__":{"a":1}}}', '', json),
  'body: invalid UTF-8': () => open(new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), '', json),
  'body: contradictory form': () => open(new URLSearchParams('data=1&data.project=p')),
  'body: input is text': () => open({ input: 'title' }),
  'body: data is text': () => open({ data: 'x' }),
  'body: connection is an object': () => open({ ...ticket, connection: {} }),
  'body: query options': () => open({ ...ticket, mode: 'interactive', dryRun: true }),

  'caller: no token': () => open(ticket, '', { token: null }),
  'caller: wrong token': () => open(ticket, '', { token: 'wrong' }),
  'caller: forbidden category': () => open(ticket, '', { token: 'limited-token' }),
  'caller: task of a forbidden category': () => get(`issue-ticketing/tasks/${'0'.repeat(40)}`, 'limited-token'),
  'caller: unknown orchestrator': () => open(triggered(ticket), INTERACTIVE, { token: 'unconnected-token' }),

  'route: unknown category': () => call('nothing/open-issue', {}),
  'route: unknown action': () => call('issue-ticketing/open-isue', {}),
  'route: unknown path': () => call('issue-ticketing/a/b/c', {}),
  'route: bad percent encoding': () => call('issue-ticketing/%zz', {}),
  'route: GET of an action': () => get(OPEN),
  'route: POST to a task': () => call(`issue-ticketing/tasks/${'0'.repeat(40)}`, {}),
  'route: unknown task': () => get(`issue-ticketing/tasks/${'0'.repeat(40)}`),
  'route: invalid task id': () => get('issue-ticketing/tasks/x'),
  'route: task of another caller': async () => {
    const { body } = await open(triggered(ticket), 'mode=interactive&dryRun=true')
    return get(`issue-ticketing/tasks/${body.taskId}`, 'other-token')
  },
  'route: unsigned Slack click': () => call('notification/slack', 'payload={}', { token: null }),
  'route: unsigned Mattermost click': () => call('notification/mattermost', {}, { token: null }),
  'route: large body without a token': () =>
    call('notification/slack', '['.repeat(300 * 1024), { token: null, ...json }),

  'event: missing fields': () => open({ input: { titel: 1 } }, INTERACTIVE),
  'event: context is not a UUID': () => open(triggered({ shkeptncontext: '6e7bc693' }), INTERACTIVE),
  'event: type triggers nothing': () => open(triggered({ type: 'sh.keptn.event.openticket.finished' }), INTERACTIVE),
  'event: long id': () => open(triggered({ id: 'x'.repeat(10_240) })),

  'query: unknown option': () => open(triggered(), 'mod=interactive'),
  'query: unknown mode': () => open(triggered(), 'mode=loud'),
  'query: repeated option': () => open(triggered(), 'mode=silent&mode=interactive'),
  'query: sendStarted': () => open(triggered(), 'sendStarted=yes'),
  'query: deadline': () => open(triggered(), 'deadline=2h'),
  'query: deadline too long': () => open(triggered(), 'deadline=P30D'),
  'query: when': () => open(triggered(), 'when=failed'),
  'query: unknown input': () => open(triggered(), 'input.titel=x'),

  'connection: unknown': () => open(triggered(), 'connection=nope'),
  'connection: invalid name': () => open(triggered(), 'connection=../../callers'),
  'connection: unknown in an interactive call': () => open({ ...triggered(), connection: 'nope' }, INTERACTIVE),
  'connection: incomplete secret': () => open(triggered(), 'connection=broken'),
  'connection: unknown provider': () => open(triggered(), 'connection=strange'),
  'connection: wrong provider kind': () => input('remediation/run-runbook?connection=flags', { target: 'x' }),

  'action: silent approval': () => input('notification/ask-approval', {}),
  'action: event names no mapped action': () => call('remediation/run-action', triggered()),
  'action: input of a mapped action': () => input('remediation/run-action', { target: 'x' }),
  'action: mapped to another action': () => {
    const data = { ...triggered().data, action: { action: 'toggle-feature', value: { 'checkout-v2': 'off' } } }
    return call(
      'remediation/run-runbook?connection=mapped',
      triggered({ type: 'sh.keptn.event.action.triggered', data }),
    )
  },

  'input: types of a ticket': () => input(OPEN, { title: { a: 1 }, labels: [{}], project: '../..' }),
  'input: no id': () => input('issue-ticketing/update-issue', { comment: 'x' }),
  'input: severity': () => input('incident-management/open-ticket', { title: 'T', severity: { a: 1 }, urgency: [] }),
  'input: parameters of a job': () => input('ci-cd/trigger-build', { target: 'x'.repeat(5_000), parameters: 'x' }),
  'input: flag': () => input('feature-flags/set-flag', { flag: '', state: 'maybe', percentage: 200 }),
  'input: flags': () => input('feature-flags/set-flags', { state: 'on' }),
  'input: thresholds': () => input('optimization/start-model', { thresholds: [{ metric: 'm', op: '~', value: 'x' }] }),
  'input: timeframe': () => input('slo/request-evaluation', { slo: 'x', timeframe: 'soon' }),
  'input: target that is not allowed': () => input(`chaos-testing/start-test?${INTERACTIVE}`, { target: 'other-db' }),
  'input: message': () => input('notification/push-update', { template: 'poem', channel: 7 }),
  'input: nothing to report': () => input('slo/push-report?connection=events', {}),

  'credentials: stored credential in the call': () =>
    input(OPEN, { title: demo.githubToken, description: `Is it ${demo.keptnToken}?` }),
  'credentials: dry run after many such calls': async () => {
    const guess = { input: { title: demo.githubToken } }
    const dryRun = () => open(triggered(guess), 'dryRun=true', { token: 'other-token' })
    // Not a further call: the count starts again each hour.
    const responses = [await dryRun()]
    await service.until(
      async () => responses.push(await dryRun()) > 0 && responses.at(-1)?.status === 429,
      'the end of dry runs',
    )
    return newestOf(responses)
  },

  'platform: refuses the call': () => openWith({ kind: '500', status: 422, body: { message: 'Validation Failed' } }),
  'platform: unknown ticket': () => input('issue-ticketing/update-issue', { id: 'demo/shop#424242', comment: 'x' }),
  'platform: unknown job': () => input('remediation/run-runbook', { target: 'no-such-job' }),
  'platform: unknown flag': () => input('feature-flags/set-flag', { flag: 'no-such-flag', state: 'on' }),
  'platform: refuses the credentials': () => openWith({ kind: '401' }),
  'platform: is down': () => openWith({ kind: '503', retryAfter: 60 }),
  'platform: has a bug': () => openWith({ kind: '500' }),
  'platform: limits the rate': () => openWith({ kind: '429', retryAfter: 60 }),
  'platform: closes connections': () => openWith({ kind: 'reset' }),
  'platform: does not answer': () => openWith({ kind: 'hang' }),
  'platform: redirects': () => openWith({ kind: 'redirect' }),
  'platform: answers HTML': () => openWith({ kind: 'html', status: 200 }),
  'platform: empty response to a write': () => openWith({ kind: 'empty', match: { method: 'POST' } }),
  'platform: does not answer a call without an event id': () =>
    openWith({ kind: 'hang', match: { method: 'POST' } }, {}),

  'outcome: the same call is running': async () => {
    const path = 'demo/busy'
    await service.fault({ target: 'github', kind: 'hang', match: { path } })
    const event = triggered({ input: { ...ticket.input, project: path } })
    const first = open(event)
    const isWaiting = (request: { path: string; status: number | null }) =>
      request.path.includes(path) && request.status === null
    await service.until(
      async () => (await service.requests('github')).some(isWaiting),
      'the first call at the platform',
    )
    const answer = await open(event)
    await first
    return answer
  },
  'outcome: missed threshold': () =>
    input('slo/request-evaluation?connection=tool', {
      timeframe: '5m',
      queries: { p95: 'checkout-p95' },
      thresholds: [{ metric: 'p95', op: '<', value: 0 }],
    }),
}

for (const category of categories) {
  for (const action of actionNames(category)) {
    const path = `${category.name}/${action}`
    problems[`input: unknown field of /${path}`] = () => input(path, { nonsense: 1 })
  }
}

/** These wait for a platform that is broken. */
const isSlow = (name: string) => /^(?:platform|outcome): /.test(name)

it.each(Object.keys(problems))('%s: the response says what is wrong', (name) => {
  const { detail, message = detail } = answers[name]?.body ?? {}
  expect(message).toMatch(/\w \w/)
})

it('each bad call is answered with the same problem', () => {
  const golden: Record<string, unknown> = {}
  const kinds = new Map<string, string>()
  for (const name of Object.keys(problems)) {
    const { status, headers, body } = answers[name] as Answer
    // Kinds that share a status differ only in the title, and its words may change.
    const kind = `${status} ${body.title}`
    if (!kinds.has(kind)) kinds.set(kind, name)
    const { title, detail, message, errors, ...others } = body
    golden[name] = {
      ...others,
      data: others.data && Object.keys(others.data),
      status,
      contentType: headers.get('content-type'),
      kindOf: kinds.get(kind),
      errors: errors?.map(({ path }: { path: string }) => path),
      retryAfter: headers.has('retry-after') || undefined,
    }
  }
  expectGolden('problems', golden)
})
