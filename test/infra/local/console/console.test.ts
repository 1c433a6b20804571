import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { demoCredentials } from '../../../../infra/local/credentials.ts'
import { quoteForShell } from '../../../../infra/project/shell-words.ts'
import { engineKeyOf, placeOf } from '../../../../infra/sandbox/engines/place.ts'
import { demo } from '../../../../infra/sandbox/platforms/sandbox/demo.ts'
import { type Answer, Service, triggered, until } from '../../../e2e/service.ts'
import { waitForAll } from '../../../wait-for-all.ts'
import { statusOf } from '../../sandbox/platforms/start.ts'

let service: Service
/** The ids of tasks that start before the tests. */
let tasks: { gate: string; approval: string; retrying: string }
beforeAll(async () => {
  service = await new Service({ timeScale: 20, concurrency: 1 }).start()
  await service.fault({ target: 'servicenow', kind: '503' })
  const gate = '/v1/remediation/run-runbook?mode=gate&key=shown'
  const approval = triggered({
    type: 'sh.keptn.event.sign-off.triggered',
    input: { question: 'Ship 1.2.3?', approvers: 'jane' },
  })
  const ticket = triggered({ input: { title: 'Checkout is slow' } })
  const [{ body }] = (await waitForAll(
    ['first', 'second'].map(() => service.call(gate, { input: { target: 'clear-cache' } })),
  )) as [Answer, Answer]
  tasks = {
    gate: body.taskId,
    approval: await accepted('/v1/notification/ask-approval?mode=interactive&sendStarted=true', approval),
    retrying: await accepted('/v1/incident-management/open-ticket?mode=interactive', ticket),
  }
})
afterAll(() => service.end())

// biome-ignore lint/suspicious/noExplicitAny: the tests check the structure.
type Json = any

async function read(path: string): Promise<Json> {
  const response = await fetch(`${service.url}/console/${path}`)
  return response.status === 200 ? response.json() : undefined
}
const post = (path: string, body?: unknown, headers: Record<string, string> = {}) =>
  fetch(`${service.url}/console/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })

/** Waits until a call meets a condition, and returns its details. */
async function call(id: string, meets: (call: Json) => boolean): Promise<Json> {
  let seen: Json
  await until(
    async () => {
      seen = await read(`calls/${id}`)
      return seen !== undefined && meets(seen)
    },
    20,
    () => `the call ${id}, which is ${JSON.stringify(seen)?.slice(0, 2_000)}`,
  )
  return seen
}
const latestCall = async (): Promise<Json> => (await read('calls?limit=1')).calls[0]
const hasEnded = ({ endedAt }: Json) => endedAt !== undefined

async function accepted(path: string, body: object): Promise<string> {
  const response = await service.call(path, body)
  expect({ status: response.status, detail: response.body.detail }).toEqual({ status: 202, detail: undefined })
  return response.body.taskId
}

const topRows = ({ waterfall }: Json) => waterfall.rows.filter(({ level }: Json) => level === 0)
/** The rows of a waterfall are in the order of their times. */
function expectInOrder(call: Json): void {
  const times = topRows(call).map(({ kind, from, to }: Json) => (kind === 'moment' ? to : from))
  expect(times).toEqual(times.toSorted((one: number, other: number) => one - other))
}

describe('the page', () => {
  it('is sent to browsers, is complete, and loads nothing from other servers', async () => {
    const page = await fetch(service.url, { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } })
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
    expect(policy).not.toContain('unsafe')
    const files = [...(await page.text()).matchAll(/(?:href|src)="(\/console\/[^"]+)"/g)].map(([, file]) => file)
    expect(files.length).toBe(3)
    for (const file of files) expect([file, (await fetch(`${service.url}${file}`)).status]).toEqual([file, 200])
  })

  it.each(['*/*', 'application/json', 'text/html;q=0.5, application/json', ''])(
    'is not sent to a client that accepts "%s"',
    async (accept) => {
      const index = await fetch(service.url, { headers: { accept } })
      expect(index.headers.get('content-type')).toBe('application/json')
      expect(await index.json()).toMatchObject({ console: `${service.url}/console/index.html` })
    },
  )

  it('starts with scripts of at most 40 KB, compressed, and loads the others later', async () => {
    const sizeOf = async (name: string) =>
      gzipSync(await (await fetch(`${service.url}/console/${name}`)).bytes()).length
    expect((await sizeOf('main.js')) + (await sizeOf('chunk.js'))).toBeLessThan(40 * 1_024)
    expect(await sizeOf('later-views.js')).toBeLessThan(20 * 1_024)
  })

  it('does not expose other files', async () => {
    for (const path of ['%2e%2e%2findex.ts', '..%2findex.ts', 'index.ts', 'main.tsx', 'page', '']) {
      expect([path, (await fetch(`${service.url}/console/${path}`)).status]).toEqual([path, 404])
    }
  })
})

describe('a call', () => {
  it('to a gate is shown with its task', async () => {
    const seen = await call(tasks.gate, hasEnded)
    expect(seen).toMatchObject({ id: tasks.gate, action: 'run-runbook', verdict: 'pass', mode: 'gate', answer: 'none' })
    expect(seen.requests).toHaveLength(2)
  })

  it('with a task shows its request, steps and events without credentials', async () => {
    const event = triggered({ type: 'sh.keptn.event.deployment.triggered' })
    const input = { target: 'deploy.yml', parameters: { version: '1.2.3' } }
    const path = '/v1/ci-cd/trigger-deployment?mode=interactive&sendStarted=true'
    const id = await accepted(path, { ...event, input })
    expect((await service.call(path, { ...event, input })).body.duplicate).toBe(true)
    const seen = await call(id, ({ endedAt, events }) => endedAt !== undefined && events.length === 2)
    expect(seen).toMatchObject({
      category: 'ci-cd',
      action: 'trigger-deployment',
      mode: 'interactive',
      verdict: 'pass',
      caller: 'demo',
      provider: 'github-actions',
      platform: 'GitHub Actions',
      engine: 'Keptn',
      answer: 'sent',
      task: 'deployment',
      place: 'incident-demo/production/casdemoapp',
      context: event.shkeptncontext,
    })
    expect(seen.requests).toMatchObject([
      { method: 'POST', headers: { authorization: 'Bearer ***' }, response: { status: 202 } },
      { response: { status: 202 } },
    ])
    expect(seen.outgoing).toContainEqual(
      expect.objectContaining({
        platform: 'GitHub Actions',
        method: 'POST',
        status: 200,
        step: 'start',
        path: '/sandbox/github/repos/demo/shop/actions/workflows/deploy.yml/dispatches',
      }),
    )
    expect(seen.events.map(({ event: { type } }: Json) => type.split('.').at(-1))).toEqual(['started', 'finished'])
    const [started] = seen.outgoing
    expect(started.exchange.headers).toMatchObject({ 'x-token': '***' })
    const workflow = seen.outgoing.find(({ path }: Json) => path.endsWith('/dispatches'))
    expect(JSON.parse(workflow.exchange.body).inputs).toMatchObject({ version: '1.2.3' })
    expect(workflow.exchange.responseHeaders).toMatchObject({ 'content-type': expect.stringContaining('json') })
    // The notification of GitHub comes before or after the poll that finds the end.
    const wakeUp = ['Woken before the next poll', 'Poll because of the wake-up']
    const names = topRows(seen)
      .map(({ name }: Json) => name)
      .filter((name: string) => !wakeUp.includes(name))
    const steps = ['Send started to Keptn', 'Run the action', 'Wait for the job', 'Answer to Keptn']
    expect(names.filter((name: string) => steps.includes(name))).toEqual(steps)
    expect(names.toSorted()).toEqual([...steps, 'Received', 'Accepted', 'Received again', 'Accepted'].sort())
    // The repeat arrives while the steps run.
    expectInOrder(seen)
    const credentials = new RegExp(`${demo.callerToken}|${demo.githubToken}|${demo.keptnToken}`)
    expect(JSON.stringify(seen)).not.toMatch(credentials)
    const withCredential = {
      ...event,
      id: randomUUID(),
      input: { ...input, parameters: { version: demo.githubToken } },
    }
    expect((await service.call(path, withCredential)).status).toBe(400)
    const latest = await latestCall()
    const rejected = await read(`calls/${latest.id}`)
    expect(rejected.requests[0].body).toContain('"version":"***"')
    expect(JSON.stringify(rejected)).not.toMatch(credentials)
  })

  it('that is silent shows its outgoing calls and its response', async () => {
    const { body } = await service.openIssue({ input: { title: 'A silent call' } })
    const latest = await latestCall()
    expect(latest).toMatchObject({
      action: 'open-issue',
      mode: 'silent',
      verdict: 'pass',
      caller: 'demo',
      text: body.message,
    })
    const seen = await read(`calls/${latest.id}`)
    expect(seen.outcome.data).toEqual(body.data)
    expect(seen.outgoing).toMatchObject([{ platform: 'GitHub', method: 'POST', status: 201 }])
  })

  it('that is rejected shows the reason, with the words that an accepted call has', async () => {
    const { status } = await service.call(
      '/v1/issue-ticketing/open-issue?mode=interactive',
      triggered({ input: { titel: 'Misspelt' } }),
    )
    expect(status).toBe(400)
    const { id } = await latestCall()
    // The line of the audit, which names the caller, follows that of the request.
    const latest = await call(id, ({ caller }) => caller !== '')
    expect(latest).toMatchObject({ verdict: 'refused', text: expect.stringContaining('titel'), caller: 'demo' })
    expect(latest).toMatchObject({ provider: 'github', platform: 'GitHub', orchestrator: 'sandbox', engine: 'Keptn' })
    expect(await read('calls?facet=orchestrator')).toMatchObject({
      values: expect.arrayContaining([expect.objectContaining({ value: 'sandbox', title: 'Keptn' })]),
    })
    const lines = latest.log.map(({ message, facts }: Json) => `${message}: ${facts}`)
    expect(lines).toEqual([
      expect.stringMatching(
        /^request: kind invalid, method POST, path \/issue-ticketing\/open-issue, status 400, ms \d+$/,
      ),
      expect.stringMatching(/^audit: call, outcome rejected, kind invalid, caller demo, durationMs \d+$/),
    ])
  })

  it('that waits for an approval shows the question and the deadline', async () => {
    const seen = await call(tasks.approval, ({ verdict, outgoing }) => verdict === 'waiting' && outgoing.length > 1)
    expect(seen.waiting).toMatchObject({ for: 'a decision', people: true })
    const approval = { approvers: ['jane'], messageUrl: expect.stringContaining(`${service.url}/sandbox/slack/`) }
    expect(seen).toMatchObject({ text: expect.stringContaining('Ship 1.2.3?'), approval })
    // The end of the first callback is the reminder, not the deadline.
    const { deadlineAt } = seen
    expect(deadlineAt).toBeGreaterThan(Date.now() + 6 * 86_400_000)
    expect(seen.waiting.until).toBe(deadlineAt)
    expect(seen.approval.reminderAt).toBeGreaterThan(Date.now())
    expect(seen.approval.reminderAt).toBeLessThan(deadlineAt)
    expectInOrder(seen)
    const asked = topRows(seen).slice(-4)
    expect(asked.map(({ name }: Json) => name)).toEqual([
      'Save approval',
      'Run the action',
      'Wait for a decision',
      'Deadline',
    ])
    expect(asked[2]).toMatchObject({ kind: 'wait', tone: 'busy', from: asked[1].to })
    expect(seen.waterfall.rows.at(-1)).toMatchObject({ kind: 'deadline', from: deadlineAt, note: 'then rejected' })
    const { body } = await service.call(`/v1/notification/tasks/${tasks.approval}`, undefined, { method: 'GET' })
    const inSeconds = (at: string | number) => Math.round(new Date(at).getTime() / 1_000)
    expect(body.progress).toContain(new Date(body.deadlineAt).toISOString().slice(0, 10))
    expect(Math.abs(inSeconds(body.deadlineAt) - inSeconds(deadlineAt))).toBeLessThan(30)
  })

  it('to an unavailable platform shows each attempt and the next one', async () => {
    const seen = await call(
      tasks.retrying,
      ({ verdict, failedAttempts }) => verdict === 'retrying' && failedAttempts > 1,
    )
    expect(seen.text).toContain('503')
    expect(seen.until).toBeGreaterThan(seen.at)
    expect(seen.log).toContainEqual(expect.objectContaining({ level: 'WARN', reason: expect.stringContaining('503') }))
    const [first] = seen.waterfall.rows.filter(({ kind }: Json) => kind === 'attempt')
    expect(first).toMatchObject({ name: 'Attempt 1', note: '503', tone: 'bad', isFolded: true })
    await service.clearFaults()
    const ended = await call(tasks.retrying, hasEnded)
    expect(ended.verdict).toBe('pass')
    const attempts = ended.waterfall.rows.filter(({ kind }: Json) => kind === 'attempt')
    expect(attempts.map(({ tone }: Json) => tone)).toEqual(
      attempts.map((_: Json, at: number) => (at < attempts.length - 1 ? 'bad' : 'plain')),
    )
    expect(ended.attempts).toBe(attempts.length)
  })
})

it('the event stream reports changes of calls and of the sandbox', async () => {
  const watching = get(`${service.url}/console/stream`)
  const [stream] = (await once(watching, 'response')) as [IncomingMessage]
  let received = ''
  stream.on('data', (chunk: Buffer) => {
    received += chunk.toString()
  })
  await service.openIssue({ input: { title: 'A change' } })
  const hasBoth = () => /event: calls\ndata: .*open-issue/.test(received) && received.includes('event: sandbox')
  await service.until(hasBoth, 'events on the stream', 5)
  watching.destroy()
})

describe('a request that changes something', () => {
  const asJson = { 'content-type': 'application/json' }

  it.each([
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['plain text', { 'content-type': 'text/plain' }],
    ['a page of another site', { ...asJson, origin: 'https://elsewhere.example' }],
    ['a page in a frame without an origin', { ...asJson, origin: 'null' }],
  ])('is rejected from %s', async (_who, headers) => {
    expect((await post('sequences/incident', {}, headers)).status).toBe(403)
    expect((await post('actions/issue-ticketing/open-issue', { query: '', body: {} }, headers)).status).toBe(403)
  })

  it('is rejected from a form of another page, to a webhook and to the sandbox, too', async () => {
    const form = 'name=checkout&namespace=shop&phase=Progressing&metadata.token='
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const path = `${service.url}/v1/remediation/run-runbook?mode=gate&input.target=clear-cache`
    expect(await statusOf(path, { ...headers, 'sec-fetch-site': 'none' }, form + demo.callerToken)).toBe(409)
    for (const site of ['cross-site', 'same-site']) {
      const sent = { ...headers, 'sec-fetch-site': site }
      expect(await statusOf(path, sent, form + demo.callerToken)).toBe(403)
      expect(await statusOf(`${service.url}/sandbox/faults`, sent, form)).toBe(403)
      expect(await statusOf(service.url, sent)).toBe(200)
    }
  })

  it('is rejected for another host name', async () => {
    const headers = { ...asJson, host: 'rebound.example' }
    expect(await statusOf(`${service.url}/console/sequences/incident`, headers, '')).toBe(403)
  })
})

it('a sequence runs only once at a time', async () => {
  expect((await post('sequences/unknown')).status).toBe(404)
  expect((await post('sequences/incident')).status).toBe(202)
  expect((await post('sequences/incident')).status).toBe(409)
  const run = async () => (await read('sequences')).find(({ name }: Json) => name === 'incident').run
  await service.until(async () => (await run()).state !== 'running', 'the end of the sequence')
  const { context, tasks: played, ...rest } = await run()
  expect(rest).toMatchObject({
    state: 'passed',
    lines: expect.arrayContaining([expect.stringContaining('openticket')]),
  })
  expect(played).toContainEqual(
    expect.objectContaining({ stage: 'production', verdict: 'pass', endedAt: expect.any(Number) }),
  )
  // Each interactive task leads to its call. The last one is silent.
  const calls = played.map(({ call }: Json) => call)
  expect(calls.map((one: Json) => one?.platform)).toEqual(['ServiceNow', 'Unleash', 'Dynatrace', undefined])
  expect(await read(`calls/${calls[0].id}`)).toMatchObject({ action: 'open-ticket', context })
  expect((await read(`calls?context=${context}`)).total).toBeGreaterThan(0)
})

it('each action that the sandbox supports has working examples', async () => {
  const actions: Json[] = await read('actions')
  const none = actions
    .filter(({ examples }) => examples.length === 0)
    .map(({ category, action }) => `${category}/${action}`)
  expect(none).toEqual(['notification/close-approval'])
  const failures: string[] = []
  const play = async ({ category, action, examples }: Json) => {
    for (const index of examples.keys()) {
      let example = examples[index]
      const isReady = async () => {
        if (!example.needs) return true
        const now = (await read('actions')).find((one: Json) => one.category === category && one.action === action)
        example = now.examples[index]
        return !example.needs
      }
      await service.until(isReady, `the result that ${category}/${action} needs`, 20)
      const { name, query, body } = example
      const sent = (await (await post(`actions/${category}/${action}`, { query, body })).json()) as Json
      if (sent.status >= 300) failures.push(`${category}/${action}, ${name}: ${sent.status} ${sent.body}`)
      expect(await read(`calls/${sent.id}`)).toMatchObject({ category })
    }
  }
  // Examples that need the result of another action come last.
  const inOrder = actions.toSorted((a, b) => Number(needsResult(a)) - Number(needsResult(b)))
  const categories = Object.values(Object.groupBy(inOrder, ({ category }) => category))
  await waitForAll(
    categories.map(async (ofCategory = []) => {
      for (const action of ofCategory) await play(action)
    }),
  )
  expect(failures).toEqual([])
})

it('a silent call that starts a task is one call with its task', async () => {
  const input = { parameters: { type: 'latency', attributes: { latency: 1 }, duration: 1 } }
  const { body } = await service.call('/v1/chaos-testing/start-test', { input })
  expect(await read(`calls/${body.data.id}`)).toMatchObject({
    category: 'chaos-testing',
    action: 'start-test',
    requests: [{ response: { status: 200 } }],
  })
})

function needsResult({ examples }: Json): boolean {
  return examples.some(({ body }: Json) => body.input?.id !== undefined)
}

describe('the list of calls', () => {
  it('is searched and filtered, and counts the values of a field', async () => {
    await service.openIssue({ input: { title: 'A needle' } })
    await service.call('/v1/feature-flags/set-flag', { input: { flag: 'does-not-exist', state: 'on' } })
    const actions = async (query: string) => (await read(`calls?${query}`)).calls.map(({ action }: Json) => action)
    expect(new Set(await actions('category=feature-flags'))).toEqual(new Set(['set-flag', 'set-flags']))
    expect(await actions('q=does-not-exist&verdict=fail,errored')).toEqual(['set-flag'])
    expect(await actions('q=does-not-exist&provider=!unleash')).toEqual([])
    expect(await actions('q=100%25')).toEqual([])
    expect(await actions('since=1m&until=1')).toEqual([])
    const { values } = await read('calls?facet=verdict&category=feature-flags')
    const { total } = await read('calls?category=feature-flags&limit=0')
    expect(values.reduce((sum: number, { count }: Json) => sum + count, 0)).toBe(total)
    const { groups } = await read('calls?group=sequence&action=trigger-deployment')
    expect(groups.every(({ context, calls }: Json) => calls.every((one: Json) => one.context === context))).toBe(true)
  })

  it('is read in parts, which do not move while calls arrive', async () => {
    const { at, total, calls } = await read('calls?limit=5')
    await service.openIssue({ input: { title: 'Later' } })
    const later = await read(`calls?limit=3&offset=2&until=${at}`)
    expect(later.total).toBe(total)
    expect(later.calls.map(({ id }: Json) => id)).toEqual(calls.slice(2).map(({ id }: Json) => id))
  })

  it('does not contain requests for the page of an approval', async () => {
    const { total } = await read('calls?limit=0')
    expect((await fetch(`${service.url}/v1/notification/approvals/unknown`)).status).toBe(403)
    expect((await read('calls?limit=0')).total).toBe(total)
  })

  it('is summarized for a period', async () => {
    const { total } = await read('calls?since=24h&limit=0')
    const overview = await read('overview?hours=24')
    const inBars = overview.bars.flatMap(({ counts }: Json) => Object.values(counts) as number[])
    expect([overview.calls, inBars.reduce((sum: number, count: number) => sum + count, 0)]).toEqual([total, total])
    const withResult = overview.bars.flatMap(({ counts }: Json) =>
      ['pass', 'warning', 'fail', 'errored'].map((verdict) => counts[verdict] ?? 0),
    )
    expect(overview.ended).toBe(withResult.reduce((sum: number, count: number) => sum + count, 0))
    expect(overview.ended).toBeLessThan(total)
    expect(overview.actions).toContainEqual(expect.objectContaining({ action: 'open-issue', p50: expect.any(Number) }))
    expect((await fetch(`${service.url}/console/overview?hours=999999`)).status).toBe(400)
  })
})

describe('an action on a call', () => {
  const act = async (id: string, what: string): Promise<Json> => {
    const response = await post(`calls/${id}/${what}`)
    return { status: response.status, body: await response.json() }
  }

  it('runs it again as a new call, which names the first one', async () => {
    const id = await accepted(
      '/v1/issue-ticketing/open-issue?mode=interactive',
      triggered({ input: { title: 'Twice' } }),
    )
    await call(id, hasEnded)
    const { status, body } = await act(id, 'rerun')
    expect([status, body.status]).toEqual([200, 202])
    expect(body.id).not.toBe(id)
    const again = await call(body.id, hasEnded)
    expect(again.requests[0].headers['x-rerun-of']).toBe(id)
    const issues: Json[] = (await service.call('/sandbox/issues', undefined, { method: 'GET' })).body
    expect(issues.filter(({ title }) => title === 'Twice')).toHaveLength(2)
  })

  it('does not run a call again whose request had a credential', async () => {
    await service.openIssue({ input: { title: demo.callerToken } })
    const latest = await latestCall()
    expect(await act(latest.id, 'rerun')).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('credential') },
    })
  })

  it('cancels it, and sends its answer again', async () => {
    const path = '/v1/notification/ask-approval?mode=interactive'
    const id = await accepted(path, triggered({ type: 'sh.keptn.event.sign-off.triggered', input: {} }))
    expect(await act(id, 'cancel')).toMatchObject({ status: 200, body: { status: 202 } })
    const canceled = await call(id, hasEnded)
    expect(canceled).toMatchObject({ verdict: 'aborted', answer: 'sent' })
    // The answer has the color of the verdict.
    expect(canceled.waterfall.rows).toContainEqual(expect.objectContaining({ kind: 'answer', tone: 'aborted' }))
    const { stored } = await read('calls?limit=0')
    expect(await act(id, 'answer')).toMatchObject({ status: 200, body: { status: 202 } })
    const sent = ({ waterfall: { rows } }: Json) =>
      rows.findIndex(({ name }: Json) => name === 'Send the answer again') + 1
    const seen = await call(id.slice(0, 8), (one) => one.waterfall.rows[sent(one)]?.kind === 'request')
    expect(seen).toMatchObject({ id, verdict: 'aborted', answer: 'sent' })
    expect((await read('calls?limit=0')).stored).toBe(stored)
  })

  it('changes the task of another caller, whose request cannot be repeated', async () => {
    const { credential } = placeOf({ name: 'poll' }, { url: service.url, key: () => engineKeyOf(demoCredentials) })
    const body = { id: randomUUID(), input: { target: 'clear-cache', parameters: { outcome: 'hang' } } }
    // The console stores the start of a long body.
    const long = `${JSON.stringify(body)}${' '.repeat(20_000)}`
    const options = { token: credential('token'), headers: { 'content-type': 'application/json' } }
    const id = (await service.call('/v1/remediation/run-runbook?mode=interactive', long, options)).body.taskId
    const open = `${JSON.stringify({ id: randomUUID(), input: { title: 'T' } })}${' '.repeat(20_000)}`
    const passed = (await service.call('/v1/issue-ticketing/open-issue?mode=interactive', open, options)).body.taskId
    expect(await act(id, 'rerun')).toMatchObject({ status: 409, body: { message: expect.stringContaining('clipped') } })
    expect(await act(id, 'cancel')).toMatchObject({ status: 200 })
    const text = expect.stringContaining('Canceled by an operator')
    expect(await call(id, hasEnded)).toMatchObject({ verdict: 'aborted', caller: 'poll', text })
    expect(await act(id, 'cancel')).toMatchObject({ status: 409, body: { message: 'This call has ended.' } })
    const { body: again } = await act(id, 'rerun')
    expect(await read(`calls/${again.id}`)).toMatchObject({ action: 'run-runbook', caller: 'poll', requests: [] })
    expect(await act(again.id, 'cancel')).toMatchObject({ status: 200 })
    expect(await call(again.id, hasEnded)).toMatchObject({ verdict: 'aborted' })
    // A task that passed is not run again.
    expect(await call(passed, hasEnded)).toMatchObject({ verdict: 'pass' })
    const clipped = { message: expect.stringContaining('clipped') }
    expect(await act(passed, 'rerun')).toMatchObject({ status: 409, body: clipped })
  })

  it('starts its next attempt now', async () => {
    await service.fault({ target: 'servicenow', kind: '429', retryAfter: 36_000, count: 1 })
    const id = await accepted(
      '/v1/incident-management/open-ticket?mode=interactive',
      triggered({ input: { title: 'Slow' } }),
    )
    await call(id, ({ verdict }) => verdict === 'retrying')
    expect(await act(id, 'try')).toMatchObject({ status: 200, body: { status: 202 } })
    expect(await call(id, hasEnded)).toMatchObject({ verdict: 'pass', attempts: 2 })
    expect(await act(id, 'try')).toMatchObject({ status: 409 })
  })

  it('is refused for an unknown call or action', async () => {
    expect((await act('unknown-call', 'cancel')).status).toBe(404)
    expect((await act('unknown-call', 'delete')).status).toBe(404)
  })
})

it('the page of the command line has commands of the CLI that work for this runtime', async () => {
  const { setup, commands } = await read('commands')
  expect(setup).toBe(`export WEBHOOKS_STATE=${quoteForShell(service.state)}`)
  expect(commands.map(({ name }: Json) => name)).toEqual(['tasks', 'answer', 'sequence', 'send', 'console'])
  const examples: string[] = commands.flatMap(({ examples }: Json) => examples)
  expect(examples.join('\n')).not.toMatch(/--stack|\.\.\./)
  const cli = `${quoteForShell(process.execPath)} --no-warnings infra/cli/main.ts`
  const run = async (line: string) => {
    const script = `${setup}\n${line.replace('npx webhooks', () => cli)}`
    const { WEBHOOKS_URL: _url, WEBHOOKS_PORT: _port, ...env } = process.env
    return (await promisify(execFile)('sh', ['-c', script], { env })).stdout
  }
  const [task = ''] = examples.filter((line) => line.endsWith(' --follow'))
  expect(JSON.parse(await run(task.replace(' --follow', '')))).toMatchObject({ state: expect.any(String) })
  expect(await run(examples.find((line) => line.endsWith('webhooks console')) ?? '')).toContain(service.url)
})

it('all calls survive a restart, with their requests', async () => {
  await service.openIssue({ input: { title: 'Silent and stored' } })
  const silent = await latestCall()
  const { stored } = await read('calls?limit=0')
  await service.kill()
  await service.start()
  expect((await read('calls?limit=0')).stored).toBe(stored)
  const seen = await read(`calls/${silent.id}`)
  expect(seen.requests).toMatchObject([{ method: 'POST', response: { status: 200 } }])
  expect(JSON.parse(seen.outgoing[0].exchange.body).title).toBe('Silent and stored')
  const waiting = await call(tasks.approval.slice(0, 8), ({ verdict }) => verdict === 'waiting')
  expect(waiting.id).toBe(tasks.approval)
})
