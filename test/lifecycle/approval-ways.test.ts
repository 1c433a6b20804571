import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { Context } from 'aws-lambda'
import type { Task } from '../../shared/core/call.ts'
import { webhookHandler } from '../../shared/core/webhook/handler.ts'
import { startOnce } from '../functions/helpers.ts'
import { startStepFunctions } from '../functions/optimization/aws-step-functions/fake.ts'
import { startGithubApp } from '../platforms/github/app-server.ts'
import { category, onPage, twoPeople, useApprovals } from './waiting.ts'

const { lifecycle, platform, deploy, run, press } = useApprovals()
const github = startOnce(startGithubApp)
const states = startOnce(startStepFunctions)

beforeAll(() => {
  lifecycle.store('callbacks', { key: 'a-key-for-reply-addresses-of-the-tests-0123456789' })
  lifecycle.store('orchestrators/states', { type: 'step-functions', region: 'eu-west-1', endpoint: states.url })
  const input = '{target: repository.name}'
  lifecycle.store('orchestrators/github', { type: 'github', ...github.settings, input })
  lifecycle.replace('callers', {
    ...Object(lifecycle.secrets.get('cloud-automation-webhooks/callers')),
    direct: { categories: ['*'] },
    states: { categories: ['*'], orchestrator: 'states' },
    github: { categories: ['notification'], allow: ['notification/start-run'], orchestrator: 'github' },
  })
})
beforeEach(() => deploy([onPage]))

const call = { action: 'start-run', connection: 'job', input: { target: 'deploy' } }
const pageOf = ({ id }: Task) => platform.messages.find(({ key }) => key === id)?.page ?? ''
const decide = (asking: Task, decision: 'approve' | 'reject') => lifecycle.decide(pageOf(asking), { decision })
const approve = (asking: Task) => decide(asking, 'approve')
const invokeWebhook = (payload: Record<string, unknown>) =>
  webhookHandler(category)(payload, { awsRequestId: 'r', getRemainingTimeInMillis: () => 20_000 } as Context)

describe('While people decide', () => {
  it('a gate that is asked again reports the same task as running', async () => {
    const target = 'start-run?mode=gate&connection=job&key=release-7&hold=PT1H'
    const ask = async () => (await lifecycle.post(target, { input: { target: 'deploy' } })).body
    const { taskId } = await ask()
    const seen: unknown[] = []
    await run({
      task: lifecycle.newest(),
      async people(asking) {
        seen.push(await ask(), await ask())
        await approve(asking)
      },
    })
    expect(seen).toMatchObject([1, 2].map(() => ({ taskId, state: 'running', verdict: 'running' })))
    expect(await ask()).toMatchObject({ taskId, verdict: 'pass' })
    expect(platform.runs).toHaveLength(1)
  })

  it.each([
    ['approve', 'approved', 1],
    ['reject', 'rejected', 0],
  ] as const)('a deployment of GitHub waits, and %s has it %s', async (decision, state, jobs) => {
    const { payload, environment } = github.startRun()
    const { headers, body } = github.signed('deployment_protection_rule', payload)
    const target = 'start-run?orchestrator=github&connection=job'
    const task = lifecycle.accepted(await lifecycle.send('POST', target, { headers, body }))
    const seen: unknown[] = []
    await run({
      task,
      async people(asking) {
        seen.push(environment.decision)
        await decide(asking, decision)
      },
    })
    expect([seen, environment.decision, platform.runs.length]).toEqual([[null], state, jobs])
  })

  it('the progress says for what rule a task waits, and how many people have approved', async () => {
    deploy([twoPeople])
    const task = await lifecycle.accept('start-run?connection=job&progress=true', { input: call.input })
    const messages = () =>
      lifecycle.events.flatMap(({ triggeredid, data }) => (triggeredid === task.event.id ? [String(data.message)] : []))
    const votedAt: number[] = []
    const startedAt: number[] = []
    const { outcome, operations } = await run({
      task,
      async people(_asking, wait) {
        const isFirst = wait === 'decision-wake-0'
        while (!isFirst && !messages().join().includes('(1 so far: Ben Roe (U0BEN))')) await new Promise(setImmediate)
        await press('approve', isFirst ? 'U0BEN' : 'U0LIZ')
        votedAt.push(Date.now())
        return isFirst ? 'open' : undefined
      },
      async onCheckpoint(name) {
        if (name.includes('start START')) startedAt.push(Date.now())
      },
    })
    expect(outcome?.result).toBe('pass')
    expect(messages()).toEqual(
      expect.arrayContaining([
        expect.stringContaining('Waits for 2 approvals (0 so far), asked by the connection ops: two people, until '),
        expect.stringContaining(
          'Waits for 2 approvals (1 so far: Ben Roe (U0BEN)), asked by the connection ops: two people, until ',
        ),
      ]),
    )
    expect(operations).toContain('require-wait-woken-0 SUCCEEDED')
    // The last vote wakes the task, or one of the checks that follow the first vote finds it.
    expect((startedAt[0] ?? 0) - (votedAt[1] ?? 0)).toBeLessThan(30_000)
    expect([votedAt.length, startedAt.length]).toEqual([2, 1])
  })

  it('Step Functions gets heartbeats', async () => {
    const taskToken = 'a-token-of-a-state-0123456789abcdef='
    const state = { hasEnded: false, heartbeats: 0 }
    states.state.tasks[taskToken] = state
    await invokeWebhook({ ...call, caller: 'states', taskToken, heartbeat: true })
    const { outcome } = await run({ task: lifecycle.newest(), people: async () => 'open' })
    // One a minute, for two hours.
    expect(state.heartbeats).toBeGreaterThan(100)
    expect([outcome?.result, state.hasEnded, platform.runs]).toEqual(['fail', true, []])
  })
})

describe('An action of a call without HTTP waits for people', () => {
  it('as an invocation of the webhook', async () => {
    await invokeWebhook({ ...call, id: 'order-8', mode: 'interactive' })
    const { outcome, early, asked } = await run({ task: lifecycle.newest(), people: approve })
    expect([outcome?.result, early, asked.length, platform.runs.length]).toEqual(['pass', 0, 1, 1])
  })

  it.each([
    ['approve', true, 1],
    ['reject', false, 0],
  ] as const)('as an invocation of the task, whose outcome follows from %s', async (decision, isPassed, jobs) => {
    let asking: Task | undefined
    const { result } = await lifecycle.invoke(call, {
      async onCheckpoint(name) {
        if (asking || !name.includes('require-wait RETRY')) return
        asking = lifecycle.newest()
        expect(platform.runs).toEqual([])
        const onWait = async () => void (asking && (await lifecycle.decide(pageOf(asking), { decision })))
        await lifecycle.run(asking, { onWait })
      },
    })
    expect(result.getResult()).toMatchObject({ outcome: { result: isPassed ? 'pass' : 'fail' } })
    // The link contains the URL of the deployment.
    expect([pageOf(asking as unknown as Task), platform.runs.length]).toEqual([
      expect.stringMatching(/^approvals/),
      jobs,
    ])
  })
})
