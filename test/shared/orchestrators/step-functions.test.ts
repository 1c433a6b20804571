import '../../functions/aws.ts'
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type StepFunctionsServer, startStepFunctions } from '../../../infra/platforms/aws-step-functions.ts'
import { parseEvent } from '../../../shared/orchestrators/event.ts'
import { stepFunctionsType } from '../../../shared/orchestrators/step-functions.ts'
import { passed } from '../../../shared/outcome.ts'
import { orchestratorConformance } from '../../conformance/orchestrator.ts'

const token = 'AQCEAAAAKgAAAAMAAAAAAAAAAfakeToken=='
const task = {
  ...{ id: 'a'.repeat(40), category: 'load-testing', action: 'start-test', caller: 'releases', labels: false },
  event: { id: 'call-1', labels: {} },
  replyTo: token,
}
const outcome = passed('The test passed', { p95: 120 }, { run: 'https://k6.example.com/runs/7' })
const failedOutcome = { ...outcome, result: 'fail' as const, message: 'p95 is 900 ms' }

let server: StepFunctionsServer
beforeAll(async () => {
  server = await startStepFunctions()
})
afterAll(() => server.close())
beforeEach(() => {
  server.state.tasks = { [token]: { hasEnded: false, heartbeats: 0 } }
  server.state.denied = []
  server.recover()
})
const connect = (settings: object = {}) =>
  stepFunctionsType.connect({ type: 'step-functions', region: 'eu-west-1', endpoint: server.url, ...settings })
const finish = (of: object, { settings = {}, attempts = 0 } = {}) =>
  connect(settings).send(task, { kind: 'finished', outcome: { ...outcome, ...of } }, attempts)
const result = () => server.state.tasks[token]?.result

const parse = (body: Record<string, unknown>) => connect().parse({ event: parseEvent(body), body, headers: {} })

describe('A call of a state', () => {
  it('is identified by its task token, which is the address for the answer', () => {
    const execution = 'arn:aws:states:eu-west-1:123456789012:execution:release:7'
    expect(parse({ taskToken: token, execution, heartbeat: true })).toMatchObject({
      id: createHash('sha256').update(token).digest('hex'),
      context: execution,
      replyTo: token,
      needsHeartbeat: true,
    })
    expect(parse({ taskToken: token }).needsHeartbeat).toBe(false)
  })

  it.each([
    ['no token', {}],
    ['a number', { taskToken: 7 }],
    ['an empty token', { taskToken: '' }],
    ['a token that is too long', { taskToken: 'x'.repeat(2_049) }],
  ])('needs a task token, not %s', (_what, body) => {
    expect(() => parse(body)).toThrow(
      'taskToken is required: call with arn:aws:states:::lambda:invoke.waitForTaskToken',
    )
  })
})

describe('An answer', () => {
  it.each(['pass', 'warning'] as const)('of %s completes the state with the outcome as output', async (word) => {
    expect(await finish({ result: word })).toBe('sent')
    expect(Object.keys(result() ?? {})).toEqual(['output'])
    expect(JSON.parse(String(result()?.['output']))).toEqual({
      ...{ taskId: task.id, category: 'load-testing', action: 'start-test', verdict: word },
      ...outcome,
      result: word,
    })
  })

  it.each([
    ['fail', 'Webhooks.Failed', failedOutcome],
    ['errored', 'Webhooks.Errored', { ...failedOutcome, status: 'errored' }],
    ['aborted', 'Webhooks.Aborted', { ...failedOutcome, status: 'aborted' }],
  ])('of %s fails the state with the error %s', async (verdict, error, of) => {
    expect(await finish(of)).toBe('sent')
    expect(result()).toMatchObject({ error })
    expect(JSON.parse(String(result()?.['cause']))).toMatchObject({
      verdict,
      message: 'p95 is 900 ms',
      data: { p95: 120 },
    })
  })

  it('of fail completes the state if failAs is success', async () => {
    await finish(failedOutcome, { settings: { failAs: 'success' } })
    expect(JSON.parse(String(result()?.['output']))).toMatchObject({ verdict: 'fail', message: 'p95 is 900 ms' })
  })

  it.each([
    ['an output', 'pass', 300_000, 'output', 262_144],
    ['a cause', 'fail', 40_000, 'cause', 32_768],
  ])('that is too long for %s omits its details', async (_what, word, length, field, max) => {
    await finish({ result: word, message: 'm'.repeat(10_000), data: { log: 'x'.repeat(length) } })
    const text = String(result()?.[field])
    expect(text.length).toBeLessThan(max)
    expect(JSON.parse(text)).toMatchObject({
      verdict: word,
      isTruncated: true,
      data: {},
      message: expect.stringMatching(/^m+…$/),
    })
  })

  it('is unwanted if the state no longer waits', async () => {
    server.state.tasks = { [token]: { hasEnded: true, heartbeats: 0 } }
    expect(await finish({})).toBe('unwanted')
    server.state.tasks = {}
    expect(await finish({})).toBe('unwanted')
  })

  it('whose response was lost counts as sent when it is sent again', async () => {
    server.loseNext(() => true)
    await expect(finish({})).rejects.toMatchObject({ kind: 'platform' })
    expect(await finish({}, { attempts: 1 })).toBe('sent')
    expect(server.state.tasks[token]).toMatchObject({ hasEnded: true })
  })

  it.each([
    ['a missing permission', () => server.state.denied.push('SendTaskSuccess'), 'refused'],
    ['an outage', () => server.failNext(503, {}), 'platform'],
  ])('fails during %s, and the task tries again', async (_what, fail, kind) => {
    fail()
    await expect(finish({})).rejects.toMatchObject({ kind })
    expect(result()).toBeUndefined()
  })

  it('of started or progress sends nothing, and a heartbeat only keeps the state waiting', async () => {
    await connect().send(task, { kind: 'started' }, 0)
    await connect().send(task, { kind: 'progress', message: '50 %' }, 0)
    expect(server.state.tasks[token]).toEqual({ hasEnded: false, heartbeats: 0 })
    expect(await connect().send(task, { kind: 'heartbeat' }, 0)).toBe('sent')
    expect(server.state.tasks[token]).toEqual({ hasEnded: false, heartbeats: 1 })
  })
})

orchestratorConformance('step-functions', {
  body: { taskToken: token },
  required: ['taskToken'],
  sends: ['finished'],
  async start() {
    const played = await startStepFunctions()
    return {
      server: played,
      settings: { region: 'eu-west-1', endpoint: played.url },
      secrets: [token],
      reset() {
        played.state.tasks = { [token]: { hasEnded: false, heartbeats: 0 } }
      },
      kindOf: ({ headers }) =>
        /SendTask(?:Success|Failure)$/.test(String(headers['x-amz-target'])) ? 'finished' : undefined,
      // A state takes one result for its token.
      identityOf: ({ body }) => (body as { taskToken: string }).taskToken,
    }
  },
})
