import { afterAll, beforeEach, describe, expect, it } from '@jest/globals'
import { noConnection } from '../../../infra/cli/receiver/call-receiver.ts'
import { ok, type Reply, serve } from '../../../infra/testing/loopback-server.ts'
import { skipPauses } from '../../functions/helpers.ts'
import { pipeTo, webhooks } from './webhooks.ts'

skipPauses()

/** Accepts each call and answers each poll with the next status. */
const receiver = await serve(({ method }) => {
  if (method === 'POST') return { status: 202, body: { taskId: 't', statusUrl: `${url}/v1/k8s-jobs/tasks/t` } }
  return polls.shift() ?? ok(finished)
})
const { url, calls } = receiver
let polls: Reply[]
afterAll(() => receiver.close())
beforeEach(() => {
  calls.length = 0
  polls = []
})

const running = ok({ state: 'running' })
const finished = { state: 'finished', outcome: { status: 'succeeded', result: 'pass' } }
const lost = { status: 0 }
const unreachable = [
  running,
  { status: 503, body: { title: 'Unavailable' } },
  lost,
  { status: 502, body: '<h1>Bad Gateway</h1>' },
  { status: 429, body: { message: 'Too Many Requests' } },
  running,
]
beforeEach(() => receiver.loseNext(() => polls[0] === lost))

const send = () => webhooks(`send k8s-jobs/run-2 --mode interactive --url ${url}`)

describe('webhooks send', () => {
  it('keeps polling a task whose status cannot be read', async () => {
    polls = [...unreachable]
    const { code, out, err } = await send()
    expect([code, JSON.parse(out.slice(out.lastIndexOf('\n{')))]).toEqual([0, finished])
    expect(err.match(/Cannot read the status of the task/g)).toHaveLength(1)
    expect(calls[0]).toMatchObject({ method: 'POST', path: '/v1/k8s-jobs/run-2' })
    expect(calls).toHaveLength(1 + unreachable.length + 1)
  })

  it('prints the progress of a task when it changes', async () => {
    const waiting = (progress: string) => ok({ state: 'running', progress })
    const first = 'Waiting for the next attempt at 12:03:10 UTC: connect ECONNREFUSED'
    const second = 'Waiting for the next attempt at 12:04:10 UTC: connect ECONNREFUSED'
    polls = [waiting(''), waiting(first), waiting(first), waiting(second)]
    expect((await send()).out.match(/^Waiting for the next.*$/gm)).toEqual([first, second])
  })

  it('exits with 1 if the task no longer exists', async () => {
    polls = [{ status: 404, body: { title: 'Unknown' } }]
    expect(await send()).toMatchObject({ code: 1 })
  })
})

it('webhooks send says that a deadline has no effect on a silent call', async () => {
  expect(await webhooks(`send k8s-jobs/run-2 --deadline PT5M --url ${url}`)).toMatchObject({
    code: 0,
    err: expect.stringContaining('Add --mode interactive'),
  })
})

it('webhooks tasks calls no other runtime than the one of WEBHOOKS_STATE', async () => {
  const err = expect.stringMatching(/^No local runtime uses \/no\/such\. Run npm start with this WEBHOOKS_STATE/)
  expect(await webhooks('tasks', { env: { WEBHOOKS_STATE: '/no/such' } })).toMatchObject({ code: 2, err })
})

it.each([
  ['http://127.0.0.1:9/v1', 'Cannot connect to http://127.0.0.1:9. Run npm start, or pass --url.'],
  ['https://api.example.com/v1', 'Cannot connect to https://api.example.com. Check the URL (--url or WEBHOOKS_URL)'],
])('the error for %s, which does not respond, says what to check', (url, message) => {
  expect(noConnection(url).message).toContain(message)
})

it('webhooks tasks --follow keeps polling a task whose status cannot be read', async () => {
  polls = [...unreachable]
  const { code, out } = await webhooks(`tasks k8s-jobs/t --follow --url ${url}`)
  expect([code, JSON.parse(out)]).toEqual([0, finished])
})

it('a command prints no error if the reader of its output exits', async () => {
  polls = [running, running]
  const args = ['send', 'k8s-jobs/run', '--mode', 'interactive', '--url', url]
  expect(await pipeTo('head -c 8', args)).toMatchObject({ out: 'HTTP 202', err: '' })
})

it('webhooks tasks refuses the start of several ids', async () => {
  polls = [ok({ tasks: ['abcd1', 'abcd2'].map((taskId) => ({ task: { category: 'slo', taskId } })) })]
  const err = expect.stringContaining('More than one task starts with abcd')
  expect(await webhooks(`tasks slo/abcd --url ${url}`)).toMatchObject({ code: 2, err })
})

it.each([
  ['127.0.0.1', 'A runtime gets a new token'],
  // This machine, too, by an address that is not that of a local runtime.
  ['0.0.0.0', 'npx webhooks token rotate'],
])('webhooks tasks says what to do if %s refuses the token', async (host, advice) => {
  polls = [{ status: 401, body: { title: 'Unauthorized' } }]
  const { err } = await webhooks(`tasks slo/${'a'.repeat(40)} --url ${url.replace('127.0.0.1', host)}`)
  expect(err).toContain(advice)
})
