import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { Call } from '../../infra/testing/loopback-server.ts'
import { basicAuth } from '../../shared/http/basic-auth.ts'
import { startOnce } from '../functions/helpers.ts'
import { PERSONAL_TOKEN, startAzureDevops } from '../shared/orchestrators/azure-devops/server.ts'
import { useLifecycle } from './platform.ts'

const { lifecycle } = useLifecycle()
const azure = startOnce(startAzureDevops)
beforeAll(() => lifecycle.store('callbacks', { key: 'a-key-for-reply-addresses-of-the-tests-0123456789' }))
beforeEach(() => {
  azure.reset()
  configure()
})

/** Stores the secret of the orchestrator, and lets cached ones expire. */
function configure(settings: object = {}) {
  const secret = { type: 'azure-devops', collections: [azure.collection], ...settings }
  lifecycle.replace('orchestrators/azure-devops', secret)
}

interface CheckOptions {
  query?: Record<string, string>
  headers?: Record<string, string>
  input?: object
}

/** Makes the call of a check, as Azure DevOps does with a Generic service connection. */
async function call({ query = {}, headers = azure.headers(), input = { title: 'Slow' } }: CheckOptions = {}) {
  const authorization = lifecycle.authorization('azure-devops')['authorization']?.replace('Bearer ', '') ?? ''
  const options = new URLSearchParams({ mode: 'interactive', connection: 'ticket', ...query })
  const more = { 'Content-Type': 'application/json', Authorization: basicAuth('azure-devops', authorization) }
  const request = { headers: { ...headers, ...more }, body: JSON.stringify({ input }) }
  return lifecycle.send('POST', `open-ticket?${options}`, request)
}

const accept = async (options?: CheckOptions) => lifecycle.accepted(await call(options))
const check = async (options?: CheckOptions) => lifecycle.run(await accept(options))
const isEvent = ({ path }: Call) => path.endsWith('/events')

describe('A check of Azure DevOps', () => {
  it('gets one result, and its access token appears nowhere in the task', async () => {
    const payload = await accept()
    azure.failNext(500, { message: `no: ${azure.task.token}` }, { on: isEvent, times: 2 })
    const { result, outcome } = await lifecycle.run(payload)
    expect([outcome?.result, azure.completions, azure.task.result]).toEqual(['pass', 1, 'succeeded'])
    const history = JSON.stringify(result.getHistoryEvents())
    expect(history).toContain('Azure DevOps answered 500')
    expect(`${JSON.stringify(payload)}${history}`).not.toContain(azure.task.token)
  })

  it('is the same execution if the call is repeated', async () => {
    const payload = await accept()
    expect(await accept()).toBe(payload)
    const { body } = await call({ headers: { ...azure.headers(), AuthToken: 'another-token-of-the-job' } })
    expect(body.taskId).toBe(payload.id)
  })

  it('without its headers is refused with all of them, and with the errors of its input', async () => {
    const { status, body } = await call({ headers: {}, input: { nothing: 1 } })
    const paths = body.errors.map(({ path }: { path: string }) => path)
    expect([status, paths]).toEqual([400, [...Object.keys(azure.headers()), 'input.nothing']])
    expect(body.detail).toContain('"PlanUrl": "$(system.CollectionUri)"')
  })

  it.each([
    ['P5D', undefined, 47 * 3_600, ' The deadline was reduced to 47 h, which is the maximum of the orchestrator.'],
    ['PT2H', undefined, 2 * 3_600, ''],
    ['P5D', PERSONAL_TOKEN, 5 * 86_400, ''],
  ])('with a deadline of %s and the token %s has %d seconds', async (deadline, token, seconds, note) => {
    configure(token === undefined ? {} : { token })
    const payload = await accept({ query: { deadline } })
    const { outcome } = await lifecycle.run(payload)
    expect([payload.deadline, outcome?.message.endsWith(note)]).toEqual([seconds, true])
    if (note === '') expect(outcome?.message).not.toContain('deadline')
  })

  it('gets its result once if the response to it was lost', async () => {
    azure.refusesRepeats = true
    azure.loseNext(isEvent)
    const { unanswered } = await check()
    expect([unanswered, azure.completions, azure.task.result]).toEqual([undefined, 1, 'succeeded'])
  })

  it('that was canceled ends the attempts', async () => {
    const payload = await accept()
    azure.task.state = 'canceled'
    const { unanswered, outcome } = await lifecycle.run(payload)
    expect([unanswered, outcome?.result, azure.calls.filter(isEvent).length]).toEqual(['unwanted', 'pass', 3])
  })

  it('whose access token has expired is lost, until the secret has a personal access token', async () => {
    const payload = await accept()
    azure.failNext(401, '', { on: isEvent, times: 12 })
    const { unanswered } = await lifecycle.run(payload)
    expect([unanswered, azure.calls.filter(isEvent).length]).toEqual(['lost', 12])
    configure({ token: PERSONAL_TOKEN })
    await lifecycle.command('answer', payload.id, 'azure-devops')
    expect((await lifecycle.run(lifecycle.newest())).unanswered).toBeUndefined()
    expect(azure.task.result).toBe('succeeded')
  })

  it.each<[what: string, change: (headers: Record<string, string>) => Record<string, string>]>([
    ['the access token of another job', (headers) => ({ ...headers, AuthToken: 'token-of-another-job' })],
    ['another task of the run', (headers) => ({ ...headers, TaskInstanceId: azure.task.plan })],
  ])('with a personal access token in the secret and %s is refused', async (_, change) => {
    configure({ token: PERSONAL_TOKEN })
    const started = lifecycle.invocations.length
    const { status, body } = await call({ headers: change(azure.headers()) })
    expect([status, body.detail]).toEqual([403, expect.stringContaining('shows no task that waits for this call')])
    expect(lifecycle.invocations).toHaveLength(started)
    await check()
    expect(azure.task.result).toBe('succeeded')
    // It has ended, so it cannot be answered again. A repeat of the accepted call is still a repeat.
    expect(await call()).toMatchObject({ status: 202, body: { duplicate: true } })
    expect(await call({ input: { title: 'Another ticket' } })).toMatchObject({ status: 403 })
  })

  it('is refused for a task that sends no request, such as a script', async () => {
    configure({ token: PERSONAL_TOKEN })
    const script = { id: azure.task.task, state: 'inProgress', task: { name: 'Bash' } }
    azure.replaceNext(({ path }) => path.endsWith('/records'), JSON.stringify({ value: [script] }))
    expect(await call()).toMatchObject({ status: 403 })
  })

  it('that cannot be verified now is refused for now', async () => {
    configure({ token: PERSONAL_TOKEN })
    azure.failNext(503, '')
    expect(await call()).toMatchObject({ status: 503 })
    expect((await check()).outcome?.result).toBe('pass')
  })

  it('gets a TaskStarted event only if the call asks for it', async () => {
    await check()
    const isStarted = azure.task.isStarted
    azure.reset()
    await check({ query: { sendStarted: 'true' } })
    expect([isStarted, azure.task.isStarted]).toEqual([false, true])
  })
})
