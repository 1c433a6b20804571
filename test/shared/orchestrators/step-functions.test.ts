import '../../functions/aws.ts'
import { createHash } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { passed } from '../../../shared/outcome.ts'
import { orchestratorConformance } from '../../conformance/orchestrator.ts'
import { startStepFunctions } from '../../functions/optimization/aws-step-functions/fake.ts'

const token = 'AQCEAAAAKgAAAAMAAAAAAAAAAfakeToken=='
const outcome = passed('The test passed', { p95: 120 }, { run: 'https://k6.example.com/runs/7' })
const output = (verdict: string) => ({ output: expect.stringContaining(`"verdict":"${verdict}"`) })

const { server, parse, task, send } = orchestratorConformance('step-functions', {
  body: { taskToken: token },
  required: ['taskToken'],
  sends: ['finished'],
  check: [],
  verdicts: [
    { verdict: 'pass', shown: output('pass') },
    { verdict: 'warning', shown: output('warning') },
    {
      verdict: 'fail',
      shown: { error: 'Webhooks.Failed', cause: expect.stringContaining('"message":"2 tests failed"') },
    },
    { verdict: 'errored', shown: { error: 'Webhooks.Errored', cause: expect.stringContaining('"verdict":"errored"') } },
    { verdict: 'aborted', shown: { error: 'Webhooks.Aborted', cause: expect.stringContaining('"verdict":"aborted"') } },
    { verdict: 'fail', shown: output('fail'), settings: { failAs: 'success' } },
  ],
  async start() {
    const played = await startStepFunctions()
    return {
      server: played,
      settings: { region: 'eu-west-1', endpoint: played.url },
      secrets: [token],
      reset() {
        played.state.denied = []
        played.state.tasks = { [token]: { hasEnded: false, heartbeats: 0 } }
      },
      kindOf: ({ headers }) =>
        /SendTask(?:Success|Failure)$/.test(String(headers['x-amz-target'])) ? 'finished' : undefined,
      // A state takes one result for its token.
      shown: () => played.state.tasks[token]?.result,
      identityOf: ({ body }) => (body as { taskToken: string }).taskToken,
    }
  },
})

const finish = (of: object) => send({ kind: 'finished', outcome: { ...outcome, ...of } })
const result = () => server.state.tasks[token]?.result

describe('A call of a state', () => {
  it('is identified by its task token, which is the address for the answer', () => {
    const execution = 'arn:aws:states:eu-west-1:123456789012:execution:release:7'
    const id = createHash('sha256').update(token).digest('hex')
    const call = { id, context: execution, replyTo: token, needsHeartbeat: true }
    expect(parse({ taskToken: token, execution, heartbeat: true })).toMatchObject(call)
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
  it('completes the state with the outcome as output', async () => {
    expect(await finish({})).toBe('sent')
    expect(JSON.parse(String(result()?.['output']))).toEqual({
      taskId: task().id,
      category: 'load-testing',
      action: 'start-test',
      verdict: 'pass',
      ...outcome,
    })
  })

  it.each([
    ['an output', 'pass', 300_000, 'output', 262_144],
    ['a cause', 'fail', 40_000, 'cause', 32_768],
  ])('that is too long for %s omits its details', async (_what, word, length, field, max) => {
    await finish({ result: word, message: 'm'.repeat(10_000), data: { log: 'x'.repeat(length) } })
    const text = String(result()?.[field])
    expect(text.length).toBeLessThan(max)
    const message = expect.stringMatching(/^m+…$/)
    expect(JSON.parse(text)).toMatchObject({ verdict: word, isTruncated: true, data: {}, message })
  })

  it('is unwanted if the state no longer waits', async () => {
    server.state.tasks = { [token]: { hasEnded: true, heartbeats: 0 } }
    expect(await finish({})).toBe('unwanted')
    server.state.tasks = {}
    expect(await finish({})).toBe('unwanted')
  })

  it('fails during a missing permission, and the task tries again', async () => {
    server.state.denied.push('SendTaskSuccess')
    await expect(finish({})).rejects.toMatchObject({ kind: 'refused' })
    expect(result()).toBeUndefined()
  })

  it('of a heartbeat only keeps the state waiting', async () => {
    expect(await send({ kind: 'heartbeat' })).toBe('sent')
    expect(server.state.tasks[token]).toEqual({ hasEnded: false, heartbeats: 1 })
  })
})
