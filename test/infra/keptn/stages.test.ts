import { afterEach, describe, expect, it } from '@jest/globals'
import { memoryEventLog } from '../../../infra/keptn/event-log.ts'
import { loadSequence, sequenceNames } from '../../../infra/keptn/sequence-files.ts'
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

/** Plays an included sequence, where the tasks of one name end in another way. */
async function playEnding(sequence: string, task = '', end: object = {}) {
  await start((call) => (taskOf(call) === task ? end : {}))
  return play(receiver, loadSequence(sequence))
}

const inputsOf = (call: Call | undefined) =>
  Object.fromEntries([...(call?.form ?? [])].filter(([name]) => name.startsWith('input.')))
const taskOf = (call: Call): string => call.form.get('type')?.split('.').at(-2) ?? ''

describe('the included sequences', () => {
  it.each(sequenceNames())('%s passes if all calls succeed', async (name) => {
    const { passed, text } = await playEnding(name)
    expect(text).not.toContain('errored')
    expect(passed).toBe(true)
  })

  it('incident opens a ticket, switches a flag off, evaluates and notifies, in this order', async () => {
    const { tasks } = await playEnding('incident')
    expect(tasks.map(({ name }) => name)).toEqual(['openticket', 'toggleflag', 'evaluation', 'notify'])
    expect(receiver.calls.map(({ path, query }) => `${path} ${query.get('mode')}`)).toEqual([
      '/v1/incident-management/open-ticket interactive',
      '/v1/feature-flags/set-flag interactive',
      '/v1/slo/request-evaluation interactive',
      '/v1/notification/push-update silent',
    ])
  })

  it('incident sends the problem unchanged, and the URL of the ticket to the notification', async () => {
    await playEnding('incident', 'openticket', { openticket: { url: 'https://tickets.example.com/OPS-12' } })
    const [ticket, flag, evaluation, notification] = receiver.calls
    const incident = loadSequence('incident').event.data['incident'] as Record<string, string>
    for (const [name, value] of Object.entries(incident)) expect(ticket?.form.get(`data.incident.${name}`)).toBe(value)
    expect(inputsOf(ticket)).toEqual({})
    expect(inputsOf(flag)).toEqual({ 'input.flag': 'slow-recommendations', 'input.state': 'off' })
    expect(evaluation?.form.get('input.timeframe')).toBe('5m')
    expect(notification?.form.get('data.incident.ProblemTitle')).toBe(incident['ProblemTitle'])
    expect(notification?.form.get('data.labels.Ticket')).toBe('https://tickets.example.com/OPS-12')
  })

  it.each([
    ['no problem', {}, []],
    ['a part of one', { incident: { ProblemTitle: 'Slow' } }, ['data.incident.ProblemTitle']],
  ])('incident opens a ticket for an event with %s', async (_, more, expected) => {
    await start()
    const files = loadSequence('incident')
    const { incident: __, ...data } = files.event.data
    const event = { ...files.event, data: { ...data, ...more } }
    await play(receiver, { ...files, event })
    const sent = [...(receiver.calls[0]?.form.keys() ?? [])]
    expect(sent.filter((name) => name.startsWith('data.incident'))).toEqual(expected)
  })

  it('release deploys to production after staging and an approval', async () => {
    const { tasks } = await playEnding('release')
    expect(tasks.map(({ stage, name }) => `${stage} ${name}`)).toEqual([
      'staging deployment',
      'staging test',
      'staging evaluation',
      'production approval',
      'production deployment',
      'production evaluation',
    ])
    const approval = receiver.calls.find((call) => taskOf(call) === 'approval')
    expect(approval?.form.get('data.result')).toBe('pass')
    expect(approval?.form.get('input.question')).toBe('Release casdemoapp to production?')
    expect(approval?.form.get('input.approvers')).toBe('jane@example.com')
    expect(receiver.types()).toEqual(
      expect.arrayContaining(['approval.started by approval-service', 'approval.finished by receiver']),
    )
    expect(receiver.byType('approval.started')).toHaveLength(1)
    const deployments = receiver.calls.filter((call) => taskOf(call) === 'deployment')
    expect(deployments.map(({ form }) => [form.get('data.stage'), form.get('input.parameters.image')])).toEqual([
      ['staging', 'registry.example.com/casdemoapp:1.4.2'],
      ['production', 'registry.example.com/casdemoapp:1.4.2'],
    ])
  })

  it('release sends the workflow and the thresholds of the test as a JSON string', async () => {
    await playEnding('release')
    const called = (task: string) => receiver.calls.find((call) => taskOf(call) === task)
    expect(inputsOf(called('deployment'))).toMatchObject({
      'input.target': 'deploy.yml',
      'input.parameters.stage': 'staging',
    })
    const { 'input.thresholds': thresholds = '', ...inputs } = inputsOf(called('test'))
    expect(inputs).toEqual({ 'input.parameters.rate': '20', 'input.parameters.duration': 'PT5S' })
    expect(JSON.parse(thresholds)).toEqual([
      { metric: 'p95', op: '<', value: 2000 },
      { metric: 'errorRate', op: '<', value: 0.01 },
    ])
  })

  it('release stops in staging if the test fails', async () => {
    const { passed, tasks } = await playEnding('release', 'test', { result: 'fail' })
    expect(passed).toBe(false)
    expect(tasks.map(({ name }) => name)).toEqual(['deployment', 'test'])
  })

  it('release stops at a rejected approval', async () => {
    const outcome = { result: 'fail', message: 'not on a Friday' }
    const { passed, tasks } = await playEnding('release', 'approval', outcome)
    expect(passed).toBe(false)
    expect(tasks.at(-1)).toMatchObject({ name: 'approval', outcome })
  })

  it('chaos tests, injects a fault under load, and tests again', async () => {
    const { tasks } = await playEnding('chaos')
    expect(tasks.map(({ name }) => name)).toEqual(['test', 'chaos', 'test', 'evaluation'])
    expect(receiver.calls.map(({ path }) => path)).toEqual([
      '/v1/load-testing/start-test',
      '/v1/chaos-testing/start-test',
      '/v1/load-testing/start-test',
      '/v1/load-testing/start-test',
      '/v1/slo/request-evaluation',
    ])
    const [steady, fault, load, again] = receiver.calls.map(inputsOf)
    expect(fault).toEqual({
      'input.target': 'shop-db',
      'input.parameters.type': 'latency',
      'input.parameters.attributes.latency': '1500',
      'input.parameters.attributes.jitter': '50',
      'input.parameters.duration': 'PT10S',
    })
    expect(again).toEqual(steady)
    const p95 = (inputs = {}) => JSON.parse((inputs as Record<string, string>)['input.thresholds'] ?? '[]')[0]
    expect(p95(steady)).toEqual({ metric: 'p95', op: '<', value: 1000 })
    expect(p95(load)).toEqual({ metric: 'p95', op: '<', value: 2500, warn: 1000 })
  })

  it.each([
    ['chaos-testing', 'fail'],
    ['load-testing', 'fail'],
    ['load-testing', 'warning'],
  ])('chaos takes the worse of fault and load: %s with %s', async (category, result) => {
    await start((call) => (taskOf(call) === 'chaos' && call.path.includes(category) ? { result } : {}))
    const { passed, tasks } = await play(receiver, loadSequence('chaos'))
    expect(tasks[1]?.outcome).toMatchObject({ status: 'succeeded', result })
    expect({ passed, played: tasks.length }).toEqual(
      result === 'fail' ? { passed: false, played: 2 } : { passed: true, played: 4 },
    )
  })

  it('remediation calls one webhook for both actions with their values and without input', async () => {
    // The event of the second action contains the result of the first.
    const { tasks } = await playEnding('remediation', 'action', { action: { action: 'x', ran: 'x', changed: true } })
    expect(tasks.map(({ name }) => name)).toEqual(['action', 'action', 'evaluation'])
    const actions = receiver.calls.filter(({ path }) => path === '/v1/remediation/run-action')
    const given = actions.map(({ form }) => [...form].filter(([name]) => /^(input|data\.action)/.test(name)))
    expect(given.map((pairs) => Object.fromEntries(pairs))).toEqual([
      { 'data.action.action': 'toggle-feature', 'data.action.value.slow-recommendations': 'off' },
      { 'data.action.action': 'restart-service', 'data.action.value.service': 'checkout' },
    ])
  })

  it('remediation stops at a failed action', async () => {
    const { passed, tasks } = await playEnding('remediation', 'action', { result: 'fail' })
    expect([passed, tasks.length]).toEqual([false, 1])
  })

  it('optimization tunes with a threshold and sends a link to the result', async () => {
    await playEnding('optimization', 'tuning', { tuning: { url: 'https://models.example.com/7' } })
    const [tuning, notification] = receiver.calls
    expect(tuning?.path).toBe('/v1/optimization/start-model')
    const { 'input.thresholds': thresholds = '', ...inputs } = inputsOf(tuning)
    expect(inputs).toEqual({ 'input.parameters.service': 'casdemoapp', 'input.parameters.trials': '40' })
    expect(JSON.parse(thresholds)).toEqual([{ metric: 'accuracy', op: '>=', value: 0.9 }])
    expect(notification?.query.get('mode')).toBe('silent')
    expect(notification?.form.get('input.text')).toBe('casdemoapp is tuned\nhttps://models.example.com/7')
  })

  it('slo sends the complete evaluation to the report and ends after it', async () => {
    const value = { metric: 'casdemoapp', value: 96, success: true }
    const target = (criteria: string, targetValue: number) => ({ criteria, targetValue, violated: false })
    const targets = { passTargets: [target('>=97.5', 97.5)], warningTargets: [target('>=95', 95)] }
    const objective = { displayName: 'casdemoapp', status: 'warning', score: 0.5, keySli: false, value, ...targets }
    const times = { timeStart: '2026-01-05T09:00:00Z', timeEnd: '2026-01-05T09:05:00Z' }
    const evaluation = { result: 'warning', score: 50, ...times, indicatorResults: [objective] }
    await start(() => ({ result: 'warning', message: 'Ünder 97.5 & over 95', evaluation }))
    const { passed, text } = await play(receiver, loadSequence('slo'))
    expect({ passed, warned: text.includes('warning: ') }).toEqual({ passed: true, warned: false })
    const [evaluationCall, report] = receiver.calls
    expect(evaluationCall?.path).toBe('/v1/slo/request-evaluation')
    expect(inputsOf(evaluationCall)).toEqual({ 'input.slo': 'casdemoapp', 'input.timeframe': '5m' })
    expect(`${report?.path} ${report?.query}`).toBe('/v1/slo/push-report connection=events')
    const { id, shkeptncontext, ...sent } = Object.fromEntries(report?.form ?? [])
    expect([id, shkeptncontext]).not.toContain('')
    const first = 'data.evaluation.indicatorResults.0'
    expect(sent).toEqual({
      type: 'sh.keptn.event.evaluation.finished',
      'data.project': 'demo',
      'data.stage': 'dev',
      'data.service': 'shop',
      'data.status': 'succeeded',
      'data.result': 'warning',
      'data.message': 'Ünder 97.5 & over 95',
      'data.evaluation.score': '50',
      'data.evaluation.timeStart': times.timeStart,
      'data.evaluation.timeEnd': times.timeEnd,
      [`${first}.displayName`]: 'casdemoapp',
      [`${first}.status`]: 'warning',
      [`${first}.score`]: '0.5',
      [`${first}.value.metric`]: 'casdemoapp',
      [`${first}.value.value`]: '96',
      [`${first}.value.success`]: 'true',
      [`${first}.passTargets.0.criteria`]: '>=97.5',
      [`${first}.passTargets.0.targetValue`]: '97.5',
      [`${first}.warningTargets.0.criteria`]: '>=95',
      [`${first}.warningTargets.0.targetValue`]: '95',
    })
  })

  it('slo ends as errored if the evaluation fails, and reports it', async () => {
    const { passed, tasks } = await playEnding('slo', 'evaluation', { status: 'errored', result: 'fail' })
    expect([passed, tasks.map(({ outcome }) => outcome?.status)]).toEqual([false, ['errored']])
    expect(receiver.calls[1]?.form.get('data.status')).toBe('errored')
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
