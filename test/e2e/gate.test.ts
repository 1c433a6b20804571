import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { tokenHash } from '../../infra/local/credentials.ts'
import { type PolledResponse, pollers } from '../conformance/pollers.ts'
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
  const [aborted] = await Promise.all(
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
    expect(await ask(hanging, 'running', '&answer=status&invert=true')).toMatchObject({ status: 409 })
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
  })

  it.each(pollers)('makes $name continue only after a pass', async ({ query, react }) => {
    const reaction = react(await ask(call, 'ends', query))
    expect(reaction === 'continues').toBe(isOpen)
  })
})

it('A gate sends nothing to the orchestrator of its caller, and has one effect however often it is asked', async () => {
  const call = { action: 'issue-ticketing/open-issue', input: { title: 'Once' } }
  const path = `${call.action}?mode=gate&key=once`
  const before = (await service.issues()).length
  await Promise.all(Array.from({ length: 5 }, () => post(path, { input: call.input }, 'token-of-keptn')))
  await service.until(
    async () => verdictOf(await post(path, { input: call.input }, 'token-of-keptn')) === 'pass',
    'the end of the task',
  )
  expect((await service.issues()).length - before).toBe(1)
  expect(await service.events()).toEqual([])
})

describe('A gate of Flagger', () => {
  const body = (metadata: object, phase = 'Progressing') => ({
    ...{ name: 'podinfo', namespace: 'test', phase, checksum: '85d557f47b', buildId: '1' },
    metadata: { token, 'input.target': 'clear-cache', 'input.parameters.outcome': 'hang', ...metadata },
  })
  const hook = (metadata: object, phase?: string, query = '') =>
    post(`remediation/run-runbook?mode=gate${query}`, body(metadata, phase), null)

  it('has its token, key and input in its metadata, and ignores the phase', async () => {
    const first = await hook({ key: 'soak' })
    expect(first.status).toBe(200)
    const { taskId } = JSON.parse(first.text)
    expect(JSON.parse((await hook({ key: 'soak' }, 'Waiting')).text)).toMatchObject({ taskId })
    expect(JSON.parse((await hook({ key: 'load' })).text).taskId).not.toBe(taskId)
    expect(JSON.parse((await hook({ key: 'soak' }, 'Waiting', '&key=2')).text).taskId).not.toBe(taskId)
    const calls = await service.tasks()
    expect(calls.some(({ name }) => name === taskId)).toBe(true)
  })

  it('without a token, with a wrong one or with wrong input stays closed', async () => {
    expect(await hook({ token: 'wrong' })).toMatchObject({ status: 401 })
    expect(await hook({ token: '' })).toMatchObject({ status: 401 })
    expect(await hook({ 'input.tarjet': 'x' })).toMatchObject({ status: 400 })
  })

  it('that is a silent call runs each time, unless it has a key', async () => {
    const path = 'issue-ticketing/open-issue'
    const silent = (metadata: object) => post(path, { ...body({}), metadata: { token, ...metadata } }, null)
    const before = (await service.issues()).length
    for (const metadata of [{}, {}, { key: 'k' }, { key: 'k' }])
      expect(await silent({ 'input.title': 'Rollout', ...metadata })).toMatchObject({ status: 200 })
    expect((await service.issues()).length - before).toBe(3)
  })
})

describe('A gate with an invalid query is refused:', () => {
  it.each([
    ['no key', '?mode=gate', 'id'],
    ['answer', '?mode=gate&key=a&answer=loud', 'answer'],
    ['hold', '?mode=gate&key=a&hold=P30D', 'hold'],
    ['a short hold', '?mode=gate&key=a&hold=PT1S', 'hold'],
    ['invert without a status', '?mode=gate&key=a&invert=true', 'invert'],
    ['hold of another mode', '?mode=interactive&key=a&hold=PT1H', 'hold'],
  ])('%s', async (_name, query, path) => {
    const { status, text } = await post(`issue-ticketing/open-issue${query}`, { input: { title: 'T' } })
    expect([status, JSON.parse(text).errors]).toMatchObject([400, [{ path }]])
  })
})
