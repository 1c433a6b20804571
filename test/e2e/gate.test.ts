import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { tokenHash } from '../../infra/project/token-hash.ts'
import { type PolledResponse, pollers } from '../conformance/pollers.ts'
import { waitForAll } from '../wait-for-all.ts'
import { Service } from './service.ts'

const token = 'token-of-a-poller'
const callers = {
  poller: { tokens: [tokenHash(token)], categories: ['*'] },
  keptn: { tokens: [tokenHash('token-of-keptn')], categories: ['*'], orchestrator: 'sandbox' },
}
const service = new Service({ timeScale: 5, secrets: { 'cloud-automation-webhooks/callers': callers } })
beforeAll(() => service.start())
afterAll(() => service.end())

interface Call {
  action: string
  input: object
  query?: string
}

async function post(path: string, body: object, as: string | null = token) {
  const response = await fetch(`${service.url}/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(as === null ? {} : { authorization: `Bearer ${as}` }) },
    body: JSON.stringify(body),
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

const ask = ({ action, input, query = '' }: Call, key: string, more = '') =>
  post(`${action}?mode=gate&key=${key}${query}${more}`, { input })
const verdictOf = ({ text }: PolledResponse) => JSON.parse(text).verdict

/** Asks until the task has ended. */
async function askUntilEnded(call: Call, key: string): Promise<PolledResponse> {
  let last: PolledResponse = await ask(call, key)
  await service.until(async () => {
    last = await ask(call, key)
    return verdictOf(last) !== 'running'
  }, `the end of the task\n${last.text}`)
  return last
}

const runbook = (parameters: object, query?: string): Call => ({
  action: 'remediation/run-runbook',
  input: { target: 'clear-cache', parameters },
  ...(query ? { query } : {}),
})
const hanging = runbook({ outcome: 'hang' })
/** The calls that end with each verdict. The last one is canceled. */
const ends: Record<string, Call> = {
  pass: runbook({ seconds: 1 }),
  fail: runbook({ seconds: 1, outcome: 'failure' }),
  errored: { action: 'issue-ticketing/open-issue', input: { title: 'T', project: 'demo/no-issues' } },
  aborted: runbook({ outcome: 'hang', name: 'aborted' }),
}

beforeAll(async () => {
  const [aborted] = await waitForAll(
    Object.values(ends)
      .reverse()
      .map((call) => ask(call, 'ends')),
  )
  await post(`remediation/tasks/${JSON.parse(aborted?.text ?? '').taskId}/cancel`, {})
})

describe('A gate of a running task', () => {
  it('has the status 200 and the status of the task, or 409 and one line', async () => {
    const body = await ask(hanging, 'running')
    expect(body.status).toBe(200)
    expect(JSON.parse(body.text)).toMatchObject({ state: 'running', verdict: 'running', progress: expect.any(String) })
    const line = await ask(hanging, 'running', '&answer=status')
    expect(line).toMatchObject({ status: 409, text: expect.stringMatching(/^running: .+\n$/) })
    expect(line.headers.get('content-type')).toMatch(/^text\/plain/)
    for (const { headers } of [body, line]) {
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
      expect(headers.get('x-task-id')).toBe(JSON.parse(body.text).taskId)
    }
    for (const invert of ['true', 'any'])
      expect(await ask(hanging, 'running', `&answer=status&invert=${invert}`)).toMatchObject({ status: 409 })
  })

  it.each(pollers)('makes $name ask again', async ({ query, react }) => {
    expect(react(await ask(hanging, 'running', query))).toBe('asks again')
  })

  it('is the task of one key, input and caller', async () => {
    const taskOf = async (response: Promise<PolledResponse>) => JSON.parse((await response).text).taskId
    const first = await taskOf(ask(hanging, 'running'))
    expect(await taskOf(ask(hanging, 'running'))).toBe(first)
    expect(await taskOf(ask(hanging, 'running-2'))).not.toBe(first)
    expect(await taskOf(ask(runbook({ outcome: 'hang', seconds: 2 }), 'running'))).not.toBe(first)
    const path = `${hanging.action}?mode=gate&key=running`
    expect(await taskOf(post(path, { input: hanging.input }, 'token-of-keptn'))).not.toBe(first)
  })
})

describe.each(Object.entries(ends))('A gate of a task that ended with %s', (verdict, call) => {
  const isOpen = verdict === 'pass'

  beforeAll(async () => {
    expect(verdictOf(await askUntilEnded(call, 'ends'))).toBe(verdict)
  })

  it('has the status of its verdict', async () => {
    expect(await ask(call, 'ends')).toMatchObject({ status: 200 })
    const response = await ask(call, 'ends', '&answer=status')
    expect(response).toMatchObject({ status: isOpen ? 200 : 424, text: expect.stringMatching(`^${verdict}: .+\n$`) })
    expect(response.headers.get('retry-after')).toBeNull()
  })

  it('opens on fail only if it is inverted', async () => {
    const { status } = await ask(call, 'ends', '&answer=status&invert=true')
    expect(status).toBe(verdict === 'fail' ? 200 : 424)
    expect(await ask(call, 'ends', '&answer=status&invert=any')).toMatchObject({ status: isOpen ? 424 : 200 })
  })

  it.each(pollers)('makes $name continue only after a pass', async ({ query, react }) => {
    const reaction = react(await ask(call, 'ends', query))
    expect(reaction === 'continues').toBe(isOpen)
  })
})

it('A gate sends nothing to the orchestrator of its caller, and has one effect for repeated calls', async () => {
  const call = { action: 'issue-ticketing/open-issue', input: { title: 'Once' } }
  const path = `${call.action}?mode=gate&key=once`
  const before = (await service.issues()).length
  await waitForAll(Array.from({ length: 5 }, () => post(path, { input: call.input }, 'token-of-keptn')))
  await service.until(
    async () => verdictOf(await post(path, { input: call.input }, 'token-of-keptn')) === 'pass',
    'the end of the task',
  )
  expect((await service.issues()).length - before).toBe(1)
  expect(await service.events()).toEqual([])
})

describe('A gate of Flagger', () => {
  const body = (metadata: object, phase = 'Progressing') => ({
    name: 'podinfo',
    namespace: 'test',
    phase,
    checksum: '85d557f47b',
    buildId: '1',
    metadata: { token, 'input.target': 'clear-cache', 'input.parameters.outcome': 'hang', ...metadata },
  })
  const hook = (metadata: object, phase?: string, query = '') =>
    post(`remediation/run-runbook?mode=gate${query}`, body(metadata, phase), null)

  it('is closed while its task runs, has its token, key and input in its metadata, and ignores the phase', async () => {
    const taskOf = ({ status, headers }: Awaited<ReturnType<typeof hook>>) => [status, headers.get('x-task-id')]
    const first = taskOf(await hook({ key: 'soak' }))
    expect(first).toEqual([409, expect.any(String)])
    expect(taskOf(await hook({ key: 'soak' }, 'Waiting', '&answer=status'))).toEqual(first)
    expect(taskOf(await hook({ key: 'soak' }, 'Waiting', '&invert=true'))).toEqual(first)
    expect(taskOf(await hook({ key: 'load' }))).not.toEqual(first)
    expect(taskOf(await hook({ key: 'soak' }, 'Waiting', '&key=2'))).not.toEqual(first)
    const calls = await service.tasks()
    expect(calls.some(({ name }) => name === first[1])).toBe(true)
  })

  it.each([
    ['answers with the status of the task', '?mode=gate&answer=body', 'answer'],
    ['is accepted before its task has ended', '?mode=interactive&key=1', 'mode'],
    ['has no mode, and would only start the job', '', 'mode'],
  ])('is refused if it %s, because it would open at once', async (_, query, path) => {
    const { status, text } = await post(`remediation/run-runbook${query}`, body({}), null)
    expect([status, JSON.parse(text).errors]).toMatchObject([400, [{ path, message: expect.any(String) }]])
  })

  it('without a token, with a wrong one or with wrong input stays closed', async () => {
    expect(await hook({ token: 'wrong' })).toMatchObject({ status: 401 })
    expect(await hook({ token: '' })).toMatchObject({ status: 401 })
    expect(await hook({ 'input.tarjet': 'x' })).toMatchObject({ status: 400 })
  })

  it('that is a silent call runs each time, unless its URL has a key', async () => {
    const silent = (query: string) => {
      const metadata = { token, key: 'k', 'input.title': 'Rollout' }
      return post(`issue-ticketing/open-issue${query}`, { ...body({}), metadata }, null)
    }
    const before = (await service.issues()).length
    for (const query of ['', '', '?key=k', '?key=k']) expect(await silent(query)).toMatchObject({ status: 200 })
    expect((await service.issues()).length - before).toBe(3)
  })

  it('is canceled by the same request with /cancel', async () => {
    const request = { ...body({ key: 'post-rollout' }, 'Failed') }
    const path = 'remediation/run-runbook'
    const gate = await post(`${path}?mode=gate`, body({ key: 'post-rollout' }), null)
    const canceled = await post(`${path}/cancel?mode=gate`, request, null)
    expect([canceled.status, JSON.parse(canceled.text).taskId]).toEqual([202, gate.headers.get('x-task-id')])
    expect(await post(`${path}/cancel?mode=gate`, body({ key: 'never' }), null)).toMatchObject({ status: 404 })
  })
})

describe('A gate with an invalid query is refused:', () => {
  it.each([
    ['no key', '?mode=gate', 'id'],
    ['answer', '?mode=gate&key=a&answer=loud', 'answer'],
    ['hold', '?mode=gate&key=a&hold=P30D', 'hold'],
    ['a short hold', '?mode=gate&key=a&hold=PT1S', 'hold'],
    ['invert without a status', '?mode=gate&key=a&invert=true', 'invert'],
    ['invert', '?mode=gate&key=a&answer=status&invert=yes', 'invert'],
    ['hold of another mode', '?mode=interactive&key=a&hold=PT1H', 'hold'],
  ])('%s', async (_name, query, path) => {
    const { status, text } = await post(`issue-ticketing/open-issue${query}`, { input: { title: 'T' } })
    expect([status, JSON.parse(text).errors]).toMatchObject([400, [{ path }]])
  })
})
