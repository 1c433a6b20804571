import { describe, expect, test } from '@jest/globals'
import { awx } from '../../../../functions/remediation/awx/awx.ts'
import { secretsIn } from '../../../../shared/fields.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { expectFailure, keyOf, times } from '../../helpers.ts'
import { runbookActions } from '../../job-actions.ts'
import { awxWorkflow, jobRow, startAwx } from './fake.ts'
import { restart } from './templates.ts'

const input = { target: '12' }
const id = 'job/101'
const ofWorkflow = { target: 'workflow/20' }
const cleared = { target: '13', parameters: { host: 'web1' } }

const retry = (what: object = input) => connected().start(what, { isRetry: true })
const launches = () => server.calls.filter(({ path }) => path.endsWith('/launch/'))
const run = (at = 0) => server.state.runs[at] ?? fail(`The fake has no run ${at}`)
const templateOf = (target: number) =>
  server.state.templates.find((one) => one.id === target) ?? fail(`The fake has no template ${target}`)
const unconfirmed = { kind: 'unconfirmed', transient: false }

const options = {
  states: {
    running: ['new', 'pending', 'waiting', 'running'],
    pass: ['successful'],
    fail: ['failed'],
    errored: ['error'],
    aborted: ['canceled'],
  },
  unknownStates: ['never updated', 'paused', 'constructor', ''],
}
const { server, connected } = jobConformance(awx, runbookActions, jobRow, {
  ...options,
  invalidStarts: [
    { name: 'an invalid target', input: { target: 'workflow/' }, message: 'must be the name or id of a job template' },
    {
      name: 'the parameter of the idempotency key',
      input: { parameters: { cloud_automation_webhooks_key: 'mine' } },
      message: 'It stores the idempotency key',
    },
  ],
  refused: [
    {
      name: 'an unknown name',
      input: { target: 'Nope', project: 'Ops' },
      reason: 'no template "Nope" in the organization Ops.',
    },
    { name: 'an unknown id', input: { target: 'workflow/12' }, reason: '404' },
    { name: 'a missing role', change: withState({ mayExecute: false }), reason: 'do not have permission' },
    {
      name: 'a credential that asks for a password',
      change: ({ state }) => Object.assign(state.templates[0] ?? {}, { passwords: ['ssh_password'] }),
      reason: 'passwords_needed_to_start: ssh_password',
    },
    {
      name: 'invalid answers of the survey',
      input: { target: '13', parameters: { minutes: 'ten' } },
      reason: "variables_needed_to_start: 'host' value missing, Value ten for 'minutes' expected to be an integer.",
    },
  ],
  failedChecks: [
    {
      reason: 'has no credentials. Add token, or user',
      connection: { token: undefined, username: 'x' },
      kind: 'misconfigured',
    },
  ],
  refusedStops: [
    { change: withState({ mayExecute: false }), reason: '403 to POST /api/v2/jobs/101/cancel/' },
    { id: 'workflow/101', reason: '404' },
  ],
  lost: [
    { name: 'if the template cannot store the key', change: () => undefined, input: cleared },
    {
      name: 'if the list has no variables',
      change: ({ state }) => Object.assign(state.runs[0] ?? {}, { extra_vars: undefined }),
    },
  ],
  reports: [
    {
      name: 'what it waits for',
      change: ({ state }) =>
        Object.assign(state.runs[0] ?? {}, { job_explanation: 'waiting for project_update-7 to finish' }),
      reported: { progress: 'waiting for project_update-7 to finish' },
    },
    {
      name: 'its progress',
      change: ({ state }) => Object.assign(state.runs[0] ?? {}, { playbook_counts: { play_count: 2, task_count: 17 } }),
      reported: { progress: 'play 2, task 17' },
    },
    {
      name: 'why it could not run',
      change: ({ finish }) => {
        const result_traceback = 'Traceback (most recent call last):\n  File "jobs.py"\nValueError: no image\n'
        finish('error', { job_explanation: 'Task was lost', result_traceback })
      },
      reported: { message: 'Run job/101 ended as error: Task was lost; ValueError: no image' },
    },
    {
      name: 'that the failed task cannot be read',
      change: ({ state, finish }) => {
        state.mayReadEvents = false
        finish('failed')
      },
      reported: {
        result: 'fail',
        message: expect.stringContaining('the failed task could not be read (AWX answered 403'),
      },
    },
  ],
  invalidIds: {
    ids: ['101', 'job/', 'job/x', 'job/1/../2', 'project/1'],
    message: 'must be like job/12 or workflow/7',
  },
})
describe('of workflows', () => {
  jobConformance(awx, runbookActions, awxWorkflow, { name: 'AWX: a workflow', ...options })
})

test('AWX: the connection can have a user name and a password', async () => {
  const { username, password } = server
  await awx.check(connected({ token: undefined, username, password }).client())
  expect(secretsIn(awx.connection, { username, password })).toEqual([password])
})

test('AWX: the connection can use the gateway of Automation Platform, which has other page URLs', async () => {
  const gateway = await startAwx({ under: '/api/controller/v2' })
  const tool = connected({ baseUrl: gateway.url, token: gateway.token, api: 'api/controller/v2' })
  const { outcome } = await tool.start(input).finally(() => gateway.close())
  expect(outcome.data['url']).toBe(`${gateway.url}/execution/jobs/playbook/101/output`)
})

describe('AWX: a start', () => {
  test('launches a job template with parameters, the key and a branch', async () => {
    const { outcome } = await connected().start({ ...input, ref: 'release/7', parameters: { host: 'web1', times: 2 } })
    const message = 'Started run job/101. It is still running: use mode=interactive to wait'
    expect(outcome).toMatchObject({ message, data: { id, url: `${server.url}/#/jobs/playbook/101` } })
    const variables = { host: 'web1', times: 2, cloud_automation_webhooks_key: keyOf(1) }
    expect(JSON.parse(run().extra_vars)).toEqual(variables)
    expect(run().scm_branch).toBe('release/7')
  })

  test.each([
    ['a workflow', ofWorkflow.target],
    ['a sliced job, which is a workflow', 'Patch'],
  ])('launches %s', async (_what, target) => {
    const { outcome } = await connected().start({ target })
    expect(outcome.data).toMatchObject({ id: 'workflow/101', url: `${server.url}/#/jobs/workflow/101` })
  })

  test.each([
    ['job/12', 12],
    ['Clear cache', 13],
    ['job/Clear cache', 13],
    ['workflow/Recover/shop', 20],
  ])('finds the template %s', async (target, template) => {
    await connected().start({ target, parameters: { host: 'web1' } })
    expect(run().unified_job_template).toBe(template)
  })

  test('finds a template by its name in an organization, and refuses an ambiguous name', async () => {
    await connected().start({ target: restart.name, project: 'Ops' })
    expect(run().unified_job_template).toBe(21)
    const message = 'AWX has several templates "Restart web". Use the id, or send the organization as project.'
    await expectFailure(connected().start({ target: restart.name }), { kind: 'refused', message })
  })
})

describe('AWX: input that AWX would ignore', () => {
  test('is refused with the variables of the template before anything is launched', async () => {
    const answers = { host: 'web1', minutes: 5 }
    const message =
      'AWX would ignore the parameter hots, other, because the template "Clear cache" prompts for these variables on launch: host, minutes. Nothing was launched.'
    const wrong = { target: '13', parameters: { ...answers, hots: 1, other: 2 } }
    await expectFailure(connected().start(wrong), { kind: 'refused', message })
    const branch = connected().start({ target: '13', parameters: answers, ref: 'main' })
    await expectFailure(
      branch,
      {},
      'would ignore the ref main, because the template "Clear cache" does not prompt for a b',
    )
    expect(launches()).toEqual([])
    await connected().start({ target: '13', parameters: answers })
    expect(JSON.parse(run().extra_vars)).toEqual(answers)
  })

  test('because the template changed cancels the run and reports the names without values', async () => {
    server.state.beforeLaunch = () => Object.assign(templateOf(12), { ask_variables_on_launch: false })
    const asked = { ...input, ref: 'main', parameters: { host: 'web1', secret: 'hunter22' } }
    const ended = await connected().endAfter(asked, () => expect(run().status).toBe('canceled'))
    expect(ended).toMatchObject({ status: 'errored', result: 'fail', data: { id, state: 'canceled' } })
    expect(ended.message).toBe(
      'Run job/101 ended as canceled: AWX launched it without extra_vars.host, extra_vars.secret, extra_vars.cloud_automation_webhooks_key, which it ignored, so it was canceled',
    )
  })

  test('is reported even if the run cannot be canceled and with any result', async () => {
    server.state.beforeLaunch = () => {
      Object.assign(templateOf(12), { ask_scm_branch_on_launch: false })
      server.state.beforeLaunch = undefined
      server.failNext(503, { detail: 'Maintenance' }, { on: 'POST' })
    }
    const ended = await connected().endAfter({ ...input, ref: 'main' }, () => server.finish('successful'))
    expect(ended).toMatchObject({ status: 'errored', result: 'fail', data: { state: 'successful' } })
    const reason = /without scm_branch, which it ignored, and it could not be canceled \(AWX answered 503/
    expect(ended.message).toMatch(reason)
  })
})

describe('AWX: a retry of a start', () => {
  test('finds a sliced job after it has ended', async () => {
    const first = await connected().start({ target: 'Patch' })
    server.finish('failed')
    expect((await retry({ target: 'Patch' })).outcome.data['id']).toBe(first.outcome.data['id'])
    expect(launches()).toHaveLength(1)
  })

  test('finds its own run if it was relaunched', async () => {
    await connected().start(input)
    server.state.runs.push({ ...run(), id: 102 })
    expect((await retry()).job).toMatchObject({ id })
  })

  test('finds only a run of the same template', async () => {
    await connected().start(input)
    await connected().start(ofWorkflow)
    expect(launches()).toHaveLength(2)
  })

  test('finds a run before many newer ones, and has an unknown outcome before too many', async () => {
    await connected().start(input)
    const many = (count: number) => {
      for (let n = 0; n < count; n++) server.state.runs.push({ ...run(), id: 102 + n, extra_vars: '{}' })
    }
    many(150)
    expect((await retry()).job).toMatchObject({ id })
    many(100)
    await expectFailure(retry(), 'unconfirmed')
    expect(launches()).toHaveLength(1)
  })

  test('finds the key in the answer of a survey question, but not in a hidden answer', async () => {
    const question = { variable: 'cloud_automation_webhooks_key', type: 'text', required: false }
    templateOf(13).survey.push(question)
    await connected().start(cleared)
    expect((await retry(cleared)).job).toMatchObject({ id })
    question.type = 'password'
    await expectFailure(retry(cleared), unconfirmed)
    expect(launches()).toHaveLength(1)
  })
})

describe('AWX: a run', () => {
  test('of a workflow reports its running nodes and approvals', async () => {
    const node = (at: number, type: string, status: string) => ({
      workflow_job: 101,
      do_not_run: false,
      job: { id: 110 + at, name: `node ${at}`, type, status },
    })
    const notStarted = [false, true].map((do_not_run) => ({ workflow_job: 101, do_not_run, job: undefined }))
    const nodes = [node(1, 'job', 'successful'), node(2, 'job', 'running'), node(3, 'workflow_approval', 'pending')]
    const polled = await connected().pollAfter(ofWorkflow, () => {
      run().status = 'running'
      server.state.nodes.push(...nodes, ...notStarted)
    })
    const progress = '1 of 4 nodes ended, node 2 running, waiting for the approval "node 3"'
    expect(polled).toMatchObject({ progress })
  })

  test('returns hosts, artifacts and duration, and has thresholds for them', async () => {
    const artifacts = { restarted: 3, version: '1.2.3' }
    const host_status_counts = { ok: 2, changed: 1, dark: 1, failures: 1 }
    const thresholds = [
      { metric: 'restarted', op: '>=', value: 3 },
      { metric: 'unreachable', op: '<', value: 1 },
      { metric: 'duration', op: '<', value: 60, warn: 10 },
    ]
    const end = () => server.finish('successful', { artifacts, host_status_counts })
    expect(await connected().endAfter({ ...input, thresholds }, end)).toMatchObject({
      result: 'fail',
      message: 'Run job/101 ended as successful: unreachable is 1, not < 1; duration is 12.345, not < 10',
      data: {
        ...times,
        id,
        url: `${server.url}/#/jobs/playbook/101`,
        state: 'successful',
        duration: 12.345,
        artifacts,
        hosts: { ok: 2, changed: 1, failed: 1, unreachable: 1, skipped: 0 },
      },
    })
  })

  test('clips large artifacts', async () => {
    const log = 'x'.repeat(100_000)
    const ended = await connected().endAfter(input, () => {
      server.finish('failed', { artifacts: { log }, job_explanation: log, result_traceback: log })
      server.fail('Restart nginx', 'web1', { res: { msg: log } })
    })
    expect(JSON.stringify(ended).length).toBeLessThan(5_000)
  })

  test('that failed names the task, its hosts and the message, and nothing else of what the task was given', async () => {
    const ended = await connected().endAfter(input, () => {
      server.fail('Rescued', 'web9', { res: { msg: 'earlier' } })
      server.fail('Restart nginx', 'web1', { res: { msg: 'Unable to start\nservice nginx', invocation: 'hunter22' } })
      server.fail('Restart nginx', 'web2', { event: 'runner_on_unreachable', res: { msg: 'Connection\nrefused' } })
      server.fail('Ignored', 'web1', { failed: false })
      server.finish('failed')
    })
    const message = 'Run job/101 ended as failed: task "Restart nginx" failed on web1, web2: Connection refused'
    expect(ended).toMatchObject({ message, data: { failedTask: 'Restart nginx' } })
    expect(JSON.stringify(ended)).not.toContain('hunter22')
  })

  test('that failed in a task without a log has the name of the task only', async () => {
    const ended = await connected().endAfter(input, () => {
      server.fail('Set password', 'web1', { res: { censored: "the output has been hidden due to 'no_log: true'" } })
      server.finish('failed')
    })
    expect(ended.message).toMatch(/task "Set password" failed on web1$/)
  })

  test('of a workflow that failed names the node and the task in it', async () => {
    const started = await connected().start(ofWorkflow)
    const job = { id: 111, name: 'Restart web', type: 'job', status: 'failed' }
    server.state.runs.push({ ...run(), id: 111, type: 'job', name: 'slice' })
    server.state.nodes.push({ workflow_job: 101, do_not_run: false, job })
    server.fail('Restart nginx', 'web1', { res: { msg: 'no such unit' }, job: 111 })
    server.finish('failed', { job_explanation: 'No error handling path for workflow job node(s) [(3,failed)].' })
    const ended = await connected().end(started, ofWorkflow)
    expect(ended.message).toBe(
      'Run workflow/101 ended as failed: node "Restart web" ended as failed: task "Restart nginx" failed on web1: no such unit; No error handling path for workflow job node(s) [(3,failed)].',
    )
    expect(ended.data).toMatchObject({ failedNode: 'Restart web', failedTask: 'Restart nginx' })
    Object.assign(job, { type: 'workflow_job', status: 'error' })
    const { message } = await connected().end(started, ofWorkflow)
    expect(message).toContain('node "Restart web" ended as error; No error')
  })

  test('is polled again while its events are being saved, for a limited time', async () => {
    const started = await connected().start(input)
    server.finish('failed', { event_processing_finished: false })
    const saving = { status: 'failed', progress: 'failed, saving its events', pollImmediately: true }
    expect(await connected().poll(started, input)).toMatchObject(saving)
    run().finished = new Date(Date.now() - 61_000).toISOString()
    expect(await connected().poll(started, input)).toMatchObject({ outcome: { result: 'fail' } })
  })
})

function fail(message: string): never {
  throw new Error(message)
}
