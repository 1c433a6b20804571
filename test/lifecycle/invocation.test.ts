import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DurableContext } from '@aws/durable-execution-sdk-js'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { acceptInvocation } from '../../shared/core/task/accept-invocation.ts'
import type { Category } from '../../shared/providers/category.ts'
import { handler } from './invoking-function.ts'
import { PLATFORM_TOKEN, category as testing, useLifecycle } from './platform.ts'
import { LocalDurableTestRunner } from './runner.ts'

const TASK_FUNCTION = 'arn:aws:lambda:eu-west-1:123456789012:function:ci-cd-task:live'
const category: Category = {
  ...testing,
  name: 'ci-cd',
  actions: { ...testing.actions, 'trigger-deployment': startOf(testing) },
}
const { lifecycle, platform } = useLifecycle(category)
beforeAll(() => {
  process.env['CI_CD_TASK'] = TASK_FUNCTION
  lifecycle.connect('default', { provider: 'job', baseUrl: platform.url, token: PLATFORM_TOKEN })
  lifecycle.store('callers', {
    direct: { categories: ['ci-cd'] },
    releases: { categories: ['ci-cd'], orchestrator: 'keptn' },
    tickets: { categories: ['issue-ticketing'] },
  })
})

function startOf({ actions }: Category) {
  const start = actions['start-run']
  if (!start) throw new Error('The category has no start-run.')
  return start
}

async function release(target: unknown): Promise<unknown> {
  const runner = new LocalDurableTestRunner({ handlerFunction: handler })
  runner.registerDurableFunction(TASK_FUNCTION, lifecycle.handler)
  return (await runner.run({ payload: { target } })).getResult()
}

const deploy = { action: 'trigger-deployment', input: { target: 'deploy.yml' } }

describe('A task that another durable function invokes', () => {
  it('returns its outcome, and sends nothing to the orchestrator of the caller', async () => {
    platform.states = ['queued', 'busy', 'done']
    const reason = expect.stringContaining('1')
    expect(await release('deploy.yml')).toEqual({ deployed: true, reason })
    expect(platform.runs).toHaveLength(1)
    expect(lifecycle.events).toEqual([])
  })

  it('returns a fail as an outcome', async () => {
    platform.states = ['busy', 'broken']
    expect(await release('deploy.yml')).toMatchObject({ deployed: false })
  })

  it('fails the invocation with the name of the error if the call is not accepted', async () => {
    expect(await release(17)).toMatchObject({
      deployed: false,
      error: 'Webhooks.Invalid',
      reason: expect.stringContaining('input.target'),
    })
    expect(platform.runs).toEqual([])
  })

  it.each([
    ['without an action', { action: undefined }, 'Webhooks.Invalid', 'action is required'],
    ['with an unknown action', { action: 'trigger-deploy' }, 'Webhooks.Invalid', 'trigger-deployment'],
    ['for an approval', { action: 'ask-approval' }, 'Webhooks.Invalid', 'Call it over HTTP'],
    ['with an id', { id: 'order-7' }, 'Webhooks.Invalid', 'id must be omitted'],
    ['with a mode', { mode: 'silent' }, 'Webhooks.Invalid', 'mode must be omitted'],
    ['with a task token', { taskToken: 'token' }, 'Webhooks.Invalid', 'taskToken must be omitted'],
    ['of an unknown caller', { caller: 'unknown' }, 'Webhooks.Forbidden', 'unknown'],
    ['of a caller of another category', { caller: 'tickets' }, 'Webhooks.Forbidden', 'may not use ci-cd'],
  ])('does not accept a call %s', async (_what, change, errorType, errorMessage) => {
    const { result } = await lifecycle.invoke({ ...deploy, ...change })
    expect(result.getError()).toMatchObject({
      errorType,
      errorData: errorType,
      errorMessage: expect.stringContaining(errorMessage),
    })
    expect(platform.runs).toEqual([])
  })

  it.each([true, false])('starts one job if it crashes when it accepts the call (recorded: %s)', async (isRecorded) => {
    const { result } = await lifecycle.invoke(deploy, {
      // The step succeeds.
      interruption: { checkpoint: 1, isRecorded, effect: 'crash' },
    })
    expect(result.getResult()?.outcome).toMatchObject({ status: 'succeeded', result: 'pass' })
    expect(platform.runs).toHaveLength(1)
  })

  it('is a separate call with each execution of the function that invokes it, which differ only in their path', async () => {
    // The runner of these tests makes ARNs without a path.
    const idOf = async (execution: string) => {
      const durableExecutionArn = `${TASK_FUNCTION.replace('live', '1')}/durable-execution/${execution}`
      const context = {
        executionContext: { durableExecutionArn },
        configureLogger() {},
        step: (_: string, run: (step: { attempt: number }) => unknown) => run({ attempt: 1 }),
      } as unknown as DurableContext
      return (await acceptInvocation(category, deploy, context)).id
    }
    const ids = [await idOf('release-1/a'), await idOf('release-1/b'), await idOf('release-2/a')]
    expect(new Set(ids).size).toBe(3)
    expect(await idOf('release-1/a')).toBe(ids[0])
  })

  it('is a separate call with each invocation', async () => {
    await lifecycle.invoke(deploy)
    await lifecycle.invoke(deploy)
    expect(new Set(platform.runs.map(({ key }) => key)).size).toBe(2)
  })
})

describe('The finisher of a task that another durable function invoked', () => {
  it('has nothing to do if the call was not accepted', async () => {
    const { arn } = await lifecycle.invoke({ ...deploy, action: undefined })
    expect((await lifecycle.finish(arn, { status: 'FAILED' })).finished).toBe(false)
  })

  it('starts the cleanup of the job, and sends nothing', async () => {
    platform.states = ['busy']
    const { arn } = await lifecycle.invoke(
      { ...deploy, connection: 'attended' },
      { interruption: { checkpoint: 'start SUCCEED', isRecorded: true, effect: 'end' } },
    )
    expect((await lifecycle.finish(arn)).finished).toBe(true)
    expect(lifecycle.invocations.map(({ name, payload }) => [name, payload.only])).toEqual([
      [`${platform.runs[0]?.key}-cleanup`, 'cleanup'],
    ])
    expect(lifecycle.events).toEqual([])
  })
})

it('docs/step-functions.md shows the function of these tests', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/step-functions.md'), 'utf8')
  expect(page).toContain(`\`\`\`ts\n${readFileSync(join(import.meta.dirname, 'invoking-function.ts'), 'utf8')}\`\`\``)
})
