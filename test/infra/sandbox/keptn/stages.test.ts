import { afterEach, describe, expect, it } from '@jest/globals'
import { memoryEventLog } from '../../../../infra/sandbox/keptn/event-log.ts'
import { loadSequence, sequenceNames } from '../../../../infra/sandbox/keptn/sequence-files.ts'
import { expectGolden } from '../../../golden/golden.ts'
import { type Call, type FakeReceiver, type Reply, startReceiver } from './fake-receiver.ts'
import { filesOf, openTicket, play } from './play.ts'

let receiver: FakeReceiver
afterEach(() => receiver.close())

const succeeded = { status: 'succeeded', result: 'pass' }

/** Responds like the real receiver: immediately to a silent call, and with 202 and a finished event to an interactive call. */
async function start(end: (call: Call) => object = () => ({})): Promise<void> {
  receiver = await startReceiver((call): Reply => {
    if (call.query.get('mode') !== 'interactive') return { status: 200, body: succeeded }
    setTimeout(() => receiver.report(call, 'finished', { ...succeeded, ...end(call) }), 5)
    return { status: 202, body: { taskId: 't-1', statusUrl: '/v1/tasks/t-1', duplicate: false } }
  })
}

const taskOf = (call: Call): string => call.form.get('type')?.split('.').at(-2) ?? ''

interface Scenario {
  sequence: string
  /** Returns the fields of the finished event of a task. */
  end?: (task: string, path: string) => object | false
  /** Replaces the incident of the event. */
  incident?: object | undefined
}

const times = { timeStart: '2026-01-05T09:00:00Z', timeEnd: '2026-01-05T09:05:00Z' }
const target = (criteria: string, targetValue: number) => ({ criteria, targetValue, violated: false })
const objective = {
  displayName: 'casdemoapp',
  status: 'warning',
  score: 0.5,
  keySli: false,
  value: { metric: 'casdemoapp', value: 96, success: true },
  passTargets: [target('>=97.5', 97.5)],
  warningTargets: [target('>=95', 95)],
}
const evaluation = { result: 'warning', score: 50, ...times, indicatorResults: [objective] }
const chaosWith = (category: string, result: string): Scenario => ({
  sequence: 'chaos',
  end: (task, path) => task === 'chaos' && path.includes(category) && { result },
})

/** The golden files show the result of each task, and each call with its body. */
const scenarios: Record<string, Scenario> = {
  ...Object.fromEntries(sequenceNames().map((sequence) => [sequence, { sequence }])),
  incident: {
    sequence: 'incident',
    end: (task) => task === 'openticket' && { openticket: { url: 'https://tickets.example.com/OPS-12' } },
  },
  'incident-without-problem': { sequence: 'incident', incident: undefined },
  'incident-with-title': { sequence: 'incident', incident: { ProblemTitle: 'Slow' } },
  'release-failed-test': { sequence: 'release', end: (task) => task === 'test' && { result: 'fail' } },
  'release-rejected': {
    sequence: 'release',
    end: (task) => task === 'approval' && { result: 'fail', message: 'not on a Friday' },
  },
  'chaos-failed-fault': chaosWith('chaos-testing', 'fail'),
  'chaos-failed-load': chaosWith('load-testing', 'fail'),
  'chaos-slow-load': chaosWith('load-testing', 'warning'),
  // The event of the second action contains the result of the first.
  remediation: {
    sequence: 'remediation',
    end: (task) => task === 'action' && { action: { action: 'x', ran: 'x', changed: true } },
  },
  'remediation-failed': { sequence: 'remediation', end: (task) => task === 'action' && { result: 'fail' } },
  optimization: {
    sequence: 'optimization',
    end: (task) => task === 'tuning' && { tuning: { url: 'https://models.example.com/7' } },
  },
  slo: { sequence: 'slo', end: () => ({ result: 'warning', message: 'Ünder 97.5 & over 95', evaluation }) },
  'slo-errored': { sequence: 'slo', end: () => ({ status: 'errored', result: 'fail' }) },
}

describe('the included sequences', () => {
  it.each(Object.entries(scenarios))('%s sends the calls of its golden file', async (name, scenario) => {
    const { sequence, end = () => false } = scenario
    await start((call) => end(taskOf(call), call.path) || {})
    const files = loadSequence(sequence)
    // Keptn's API rejects an event without it.
    expect(files.event.source).toEqual(expect.any(String))
    const data = 'incident' in scenario ? { incident: scenario.incident } : {}
    const event = { ...files.event, data: JSON.parse(JSON.stringify({ ...files.event.data, ...data })) }
    const { passed, tasks, text } = await play(receiver, { ...files, event })
    expect(text).not.toContain('warning: ')
    expectGolden(`sequences/${name}`, {
      passed,
      tasks: tasks.map(({ stage, name, outcome }) => `${stage} ${name}: ${outcome?.status}/${outcome?.result}`),
      calls: receiver.calls.map(({ path, query, form }) => {
        const { id, shkeptncontext, ...sent } = Object.fromEntries(form)
        expect([id, shkeptncontext]).not.toContain('')
        return { to: `${path}?${query}`, sent }
      }),
    })
    if (sequence === 'release' && tasks.length > 3) expect(receiver.byType('approval.started')).toHaveLength(1)
  })
})

describe('an approval', () => {
  const approval = (properties: object) => {
    const files = filesOf([{ name: 'approval', properties }], [{ on: 'approval.triggered', sendStarted: false }])
    return { ...files, event: { ...files.event, data: { ...files.event.data, result: 'pass' } } }
  }

  it('that is automatic is decided by approval-service', async () => {
    receiver = await startReceiver(() => ({ status: 200 }))
    const { passed } = await play(receiver, approval({ pass: 'automatic', warning: 'manual' }))
    expect(passed).toBe(true)
    expect(receiver.types()).toContain('approval.finished by approval-service')
  })

  it('without approval-service is not started', async () => {
    receiver = await startReceiver(() => ({ status: 200 }))
    const options = { approvalService: false, startTimeoutMs: 50 }
    expect((await play(receiver, approval({ pass: 'manual', warning: 'manual' }), options)).passed).toBe(false)
  })
})

describe('the data of a later task', () => {
  it('contains its properties, the results of earlier tasks and the outcome of the previous task', async () => {
    const more = { labels: { url: 'https://x' }, deploy: { id: 7 }, check: { from: 'deploy' } }
    await start((call) => (taskOf(call) === 'deploy' ? { result: 'warning', message: 'slow', ...more } : {}))
    const tasks = [
      { name: 'deploy', properties: { strategy: 'direct' } },
      { name: 'check', properties: { timeframe: '5m' } },
    ]
    const { passed } = await play(receiver, filesOf(tasks, [{ on: 'deploy.triggered' }, { on: 'check.triggered' }]))
    expect(passed).toBe(true)
    expect(receiver.byType('check.triggered')[0]?.data).toEqual({
      project: 'demo',
      stage: 'dev',
      service: 'shop',
      status: 'succeeded',
      result: 'warning',
      message: '',
      labels: { team: 'blue', url: 'https://x' },
      incident: { title: 'a|b' },
      deploy: { id: 7 },
      check: { timeframe: '5m', from: 'deploy' },
    })
  })

  it('is sent after an aborted task with the result pass', async () => {
    await start((call) => (taskOf(call) === 'deploy' ? { status: 'aborted' } : {}))
    const files = filesOf(['deploy', 'check'], [{ on: 'deploy.triggered' }, { on: 'check.triggered' }])
    const { passed, tasks } = await play(receiver, files)
    expect(passed).toBe(true)
    expect(tasks.map(({ name }) => name)).toEqual(['deploy', 'check'])
    expect(receiver.byType('check.triggered')[0]?.data).toMatchObject({ status: 'aborted', result: 'pass' })
  })

  it('is merged in the order of the finished events, also for a later stage', async () => {
    const checks = [
      { score: 90, ids: ['first'] },
      { score: 85, ids: ['second'] },
    ]
    await start((call) => (taskOf(call) === 'check' ? { check: checks.shift() } : {}))
    const prod = {
      name: 'prod',
      sequences: [{ name: 'deliver', triggeredOn: [{ event: 'dev.deliver.finished' }], tasks: [{ name: 'notify' }] }],
    }
    const subscriptions = [{ on: 'check.triggered' }, { on: 'notify.triggered' }]
    await play(receiver, filesOf(['check', 'check'], subscriptions, [prod]))
    expect(receiver.byType('notify.triggered')[0]?.data['check']).toEqual({ score: 90, ids: ['second', 'first'] })
    expect(receiver.byType('dev.deliver.finished')[0]?.data).not.toHaveProperty('check')
  })

  it('is sent to a stage that is triggered by another result', async () => {
    await start((call) => (taskOf(call) === 'deploy' ? { result: 'fail' } : {}))
    const triggeredOn = [{ event: 'dev.deliver.finished', selector: { match: { result: 'fail' } } }]
    const rollback = { name: 'prod', sequences: [{ name: 'rollback', triggeredOn, tasks: [{ name: 'undo' }] }] }
    const subscriptions = [{ on: 'deploy.triggered' }, { on: 'undo.triggered' }]
    const { passed, tasks } = await play(receiver, filesOf(['deploy'], subscriptions, [rollback]))
    expect(passed).toBe(false)
    expect(tasks.map(({ stage, name }) => `${stage} ${name}`)).toEqual(['dev deploy', 'prod undo'])
  })
})

describe('with a receiver that sends its events elsewhere', () => {
  it('polls the tasks with the same token and creates the finished event from the outcome', async () => {
    let polls = 0
    receiver = await startReceiver((call): Reply => {
      const task = { taskId: 't-1', statusUrl: '/prod/v1/issue-ticketing/tasks/t-1', duplicate: false }
      if (call.method === 'POST') return { status: 202, body: task }
      if (call.headers['authorization'] !== 'Bearer test-caller-token') return { status: 401 }
      polls += 1
      if (polls === 1) return { status: 500 }
      if (polls === 2) return { status: 200, body: { taskId: 't-1', state: 'running' } }
      const links = { 'jira OPS-12': 'https://x' }
      const outcome = { ...succeeded, result: 'warning', message: 'opened', data: { number: 'OPS-12' }, links }
      return { status: 200, body: { taskId: 't-1', state: 'finished', outcome } }
    })
    const log = memoryEventLog()
    const subscriptions = [{ on: 'openticket.triggered' }, { on: 'notify.triggered' }]
    const played = await play(receiver, filesOf(['openticket', 'notify'], subscriptions), { log })
    expect(played.passed).toBe(true)
    expect(played.tasks[0]).toMatchObject({ outcome: { result: 'warning', message: 'opened' } })
    const events = await log.read(played.context)
    const notify = events.find(({ type }) => type === 'sh.keptn.event.notify.triggered')
    expect(notify?.data).toMatchObject({
      openticket: { number: 'OPS-12' },
      labels: { team: 'blue', 'jira OPS-12': 'https://x' },
    })
    expect(played.text).toContain('warning: task t-1: the status URL returned 500; retrying')
    expect(receiver.events).toEqual([])
  })

  it('counts the started event of a call with sendStarted', async () => {
    receiver = await startReceiver(
      (call): Reply =>
        call.method === 'POST'
          ? { status: 202, body: { taskId: 't-1', statusUrl: `${receiver.url}/v1/issue-ticketing/tasks/t-1` } }
          : { status: 200, body: { state: 'finished', outcome: succeeded } },
    )
    const path = 'issue-ticketing/open-issue?mode=interactive&sendStarted=true'
    const files = openTicket({ sendStarted: false, path })
    expect((await play(receiver, files, { log: memoryEventLog() })).passed).toBe(true)
  })
})
