import { beforeEach, describe, expect, it } from '@jest/globals'
import type { Context } from 'aws-lambda'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { webhookHandler } from '../../shared/core/webhook/handler.ts'
import { startOnce } from '../functions/helpers.ts'
import { startEnvironment } from '../platforms/dynatrace/environment-server.ts'
import { interruptions } from './execution.ts'
import { category, useLifecycle } from './platform.ts'

const { lifecycle } = useLifecycle()
const environment = startOnce(startEnvironment)

let execution: string
beforeEach(() => {
  environment.recover()
  environment.calls.splice(0)
  environment.empty()
  execution = environment.automation.start(demo.workflows.release).id
  answerBy(['event', 'resume'])
})

function answerBy(answer: string[]): void {
  lifecycle.replace('orchestrators/dynatrace', { ...environment.settings, answer })
}

const target = 'open-ticket?connection=ticket&sendStarted=true'
const caller = 'dynatrace'
const call = () => ({ id: 'open_ticket', dynatrace: { execution }, input: { title: 'Checkout is slow' } })
const statuses = () => environment.grail.events().map((event) => event['event.status'])
const reads = () => environment.calls.filter(({ method, path }) => method === 'GET' && path.endsWith(execution))
const resumes = () => environment.calls.filter(({ path }) => path.endsWith('/resume'))

describe('A task of a workflow', () => {
  it('sends one event per step while it waits for the execution to pause', async () => {
    const payload = await lifecycle.accept(target, call(), caller)
    environment.failNext(400, { error: { code: 400, message: 'not paused' } }, { on: isResume, times: 3 })
    environment.automation.set(execution, 'PAUSED')
    const { unanswered } = await lifecycle.run(payload)
    expect([unanswered, environment.automation.get(execution)?.state]).toEqual([undefined, 'RUNNING'])
    expect([statuses(), resumes().length]).toEqual([['started', 'finished'], 4])
  })

  it('stops after an hour if the execution never pauses, and records it', async () => {
    const { status, outcome, unanswered } = await lifecycle.call(target, call(), { caller })
    expect([status, outcome?.result, unanswered]).toEqual(['SUCCEEDED', 'pass', 'unwanted'])
    expect(reads().length).toBeGreaterThan(10)
    expect(resumes()).toHaveLength(1)
    expect(statuses()).toEqual(['started', 'finished'])
  })

  it('resumes the execution although the event is refused for a minute', async () => {
    environment.automation.set(execution, 'PAUSED')
    const isEnd = ({ text }: { text: string }) => text.includes('-finished')
    environment.failNext(503, {}, { on: isEnd, times: 1_000 })
    await lifecycle.call(target, call(), { caller })
    expect([statuses(), environment.automation.get(execution)?.state]).toEqual([['started'], 'RUNNING'])
  })

  it.each([
    ['a crash', 'crash'],
    ['an end by Lambda', 'end'],
  ] as const)('sends one answer regardless of when %s interrupts it', async (_what, effect) => {
    answerBy(['event', 'run'])
    const { checkpoints } = await lifecycle.call(target, call(), { caller })
    for (const { name, interruption } of interruptions(checkpoints, effect)) {
      environment.empty()
      const { arn, status } = await lifecycle.call(target, { ...call(), id: name }, { caller, interruption })
      if (status !== 'SUCCEEDED') await lifecycle.finish(arn)
      expect({ name, runs: environment.automation.executions() }).toMatchObject({
        runs: [{ workflow: demo.workflows.continuation, params: { source: 'cloud-automation-webhooks' } }],
      })
      expect(new Set(statuses())).toEqual(new Set(['started', 'finished']))
    }
  })

  it.each([
    ['a crash', 'crash'],
    ['an end by Lambda', 'end'],
  ] as const)('resumes the execution once regardless of when %s interrupts it', async (_what, effect) => {
    environment.automation.set(execution, 'PAUSED')
    const { checkpoints } = await lifecycle.call(target, call(), { caller })
    for (const { name, interruption } of interruptions(checkpoints, effect)) {
      environment.calls.splice(0)
      environment.automation.set(execution, 'PAUSED')
      const { arn, status, unanswered } = await lifecycle.call(
        target,
        { ...call(), id: name },
        { caller, interruption },
      )
      if (status !== 'SUCCEEDED') await lifecycle.finish(arn)
      const { state } = environment.automation.get(execution) ?? {}
      expect({ name, resumes: resumes().length, state, unanswered }).toEqual({ name, resumes: 1, state: 'RUNNING' })
      // A task that waited for another pause would read its execution again and again.
      expect(reads().length).toBeLessThan(5)
    }
  })

  it('may be invoked without HTTP, and its result then has no URL', async () => {
    answerBy(['run'])
    const payload = { action: 'open-ticket', caller, connection: 'ticket', mode: 'interactive', ...call() }
    const context = { getRemainingTimeInMillis: () => 20_000 } as Context
    await webhookHandler(category)(payload, context)
    await lifecycle.run(lifecycle.newest())
    const [, continuation] = environment.automation.executions()
    expect(continuation?.input).toMatchObject({ execution, task: 'open_ticket', verdict: 'pass' })
    expect(continuation?.input).not.toHaveProperty('statusUrl')
  })

  it('contains no credential', async () => {
    const { result } = await lifecycle.call(target, call(), { caller })
    const history = JSON.stringify(result.getHistoryEvents())
    for (const secret of [demo.dynatracePlatformToken, demo.dynatraceToken]) expect(history).not.toContain(secret)
  })
})

const isResume = ({ path }: { path: string }) => path.endsWith('/resume')
