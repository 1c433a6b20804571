import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { actions } from '../../../functions/remediation/actions.ts'
import { awx } from '../../../functions/remediation/providers/awx.ts'
import { type AwxServer, restart, startAwx } from '../../../infra/platforms/awx.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { jobConformance } from '../../conformance/job.ts'
import { remediationPlatforms } from '../../conformance/job-platforms/remediation.ts'
import { failureOf, keyOf } from '../helpers.ts'
import { Job } from '../job.ts'
import { times } from '../times.ts'

const runbooks = { start: actions['run-runbook'], stop: actions['stop-runbook'] }

let server: AwxServer
beforeEach(async () => {
  server = await startAwx()
})
afterEach(() => server.close())

const input = { target: '12' }
const id = 'job/101'
const ofWorkflow = { target: 'workflow/20' }

const connected = (fields: object = {}) =>
  new Job(awx, runbooks, () => ({ baseUrl: server.url, token: server.token, ...fields }))
const launches = () => server.calls.filter(({ path }) => path.endsWith('/launch/'))
const run = (at = 0) => {
  const found = server.state.runs[at]
  if (!found) throw new Error(`The fake has no run ${at}`)
  return found
}
const templateOf = (target: number) => {
  const found = server.state.templates.find((one) => one.id === target)
  if (!found) throw new Error(`The fake has no template ${target}`)
  return found
}

jobConformance(awx, runbooks, remediationPlatforms.awx, {
  states: {
    running: ['new', 'pending', 'waiting', 'running'],
    pass: ['successful'],
    fail: ['failed'],
    errored: ['error'],
    aborted: ['canceled'],
  },
})

describe('AWX: the connection', () => {
  test('can have a user name and a password', async () => {
    const { username, password } = server
    await awx.check(connected({ token: undefined, username, password }).client())
    const failure = await failureOf(connected({ token: undefined, username }).start(input))
    expect(failure).toMatchObject({
      kind: 'misconfigured',
      message: expect.stringContaining('has no credentials. Add token, or user'),
    })
  })

  test('can use the gateway of Automation Platform, which has other page URLs', async () => {
    await server.close()
    server = await startAwx({ under: '/api/controller/v2' })
    const { outcome } = await connected({ api: 'api/controller/v2' }).start(input)
    expect(outcome.data['url']).toBe(`${server.url}/execution/jobs/playbook/101/output`)
  })

  test('declares its token and its password as secrets', () => {
    const { token, password } = server
    expect(secretsIn(awx.connection, { token, username: 'robot', password })).toEqual([token, password])
  })
})

describe('AWX: a start', () => {
  test('launches a job template and returns the running job', async () => {
    const { outcome } = await connected().start({ ...input, ref: 'release/7', parameters: { host: 'web1', times: 2 } })
    const url = `${server.url}/#/jobs/playbook/101`
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: 'warning',
      message: 'Started run job/101. It is still running: use mode=interactive to wait',
      data: { id, url, state: 'started' },
      links: { 'awx job/101': url },
    })
    expect(JSON.parse(run().extra_vars)).toEqual({
      host: 'web1',
      times: 2,
      cloud_automation_webhooks_key: keyOf(1),
    })
    expect(run().scm_branch).toBe('release/7')
  })

  test('launches a workflow', async () => {
    const { outcome } = await connected().start(ofWorkflow)
    expect(outcome.data).toMatchObject({ id: 'workflow/101', url: `${server.url}/#/jobs/workflow/101` })
  })

  test('launches a sliced job, which is a workflow', async () => {
    expect((await connected().start({ target: 'Patch' })).outcome.data).toMatchObject({ id: 'workflow/101' })
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
    const failure = await failureOf(connected().start({ target: restart.name }))
    expect(failure).toMatchObject({
      kind: 'refused',
      message: 'AWX has several templates "Restart web". Use the id, or send the organization as project.',
    })
    await connected({ project: 'Default', target: restart.name }).start({}, { key: keyOf(2) })
    expect(run(1).unified_job_template).toBe(restart.id)
  })

  test('shows that the template does not exist', async () => {
    const byName = await failureOf(connected().start({ target: 'Nope', project: 'Ops' }))
    expect(byName.message).toBe('AWX has no template "Nope" in the organization Ops.')
    const byId = await failureOf(connected().start({ target: 'workflow/12' }))
    expect(byId).toMatchObject({ kind: 'refused', message: expect.stringContaining('404') })
    expect(server.state.runs).toEqual([])
  })

  test('encodes the name in the query', async () => {
    await failureOf(connected().start({ target: '../../me/?x&name=Patch' }))
    expect(server.calls.map(({ path }) => path)).toEqual(['/api/v2/job_templates/'])
    expect(server.calls[0]?.query.get('name')).toBe('../../me/?x&name=Patch')
  })

  test.each([
    ['target', { target: 'workflow/' }, 'must be the name or id of a job template'],
    [
      'parameters',
      { ...input, parameters: { cloud_automation_webhooks_key: 'mine' } },
      'It stores the idempotency key',
    ],
  ])('is refused because of %s before anything is sent', async (field, wrong, says) => {
    const failure = await failureOf(connected().start(wrong))
    expect(failure).toMatchObject({ kind: 'invalid', errors: [{ path: `input.${field}` }] })
    expect(failure.message).toContain(says)
    expect(server.calls).toEqual([])
  })

  test.each([
    ['the role Execute is missing', () => Object.assign(server.state, { mayExecute: false }), 'do not have permission'],
    [
      'a credential asks for a password',
      () => Object.assign(templateOf(13), { passwords: ['ssh_password'] }),
      'passwords_needed_to_start: ssh_password',
    ],
  ])('shows the reason of AWX if %s', async (_, change, says) => {
    change()
    const failure = await failureOf(connected().start({ target: '13', parameters: { host: 'web1' } }))
    expect(failure).toMatchObject({ kind: 'refused', status: 422, message: expect.stringContaining(says) })
  })

  test('shows the reason of AWX if the answers of the survey are invalid', async () => {
    const failure = await failureOf(connected().start({ target: '13', parameters: { minutes: 'ten' } }))
    expect(failure.message).toContain(
      "variables_needed_to_start: 'host' value missing, Value ten for 'minutes' expected to be an integer.",
    )
  })
})

describe('AWX: input that AWX would ignore', () => {
  test('is refused with the variables of the template before anything is launched', async () => {
    const answers = { host: 'web1', minutes: 5 }
    const failure = await failureOf(connected().start({ target: '13', parameters: { ...answers, hots: 1, other: 2 } }))
    expect(failure).toMatchObject({
      kind: 'refused',
      message:
        'AWX would ignore the parameter hots, other, because the template "Clear cache" prompts for these variables on launch: host, minutes. Nothing was launched.',
    })
    const branch = await failureOf(connected().start({ target: '13', parameters: answers, ref: 'main' }))
    expect(branch.message).toContain(
      'would ignore the ref main, because the template "Clear cache" does not prompt for a b',
    )
    expect(launches()).toEqual([])
    await connected().start({ target: '13', parameters: answers })
    expect(JSON.parse(run().extra_vars)).toEqual(answers)
  })

  test('because the template changed cancels the run and reports the names without values', async () => {
    server.state.beforeLaunch = () => Object.assign(templateOf(12), { ask_variables_on_launch: false })
    const asked = { ...input, ref: 'main', parameters: { host: 'web1', secret: 'hunter22' } }
    const started = await connected().start(asked)
    expect(run().status).toBe('canceled')
    const ended = await connected().end(started, asked)
    expect(ended).toMatchObject({ status: 'errored', result: 'fail', data: { id, state: 'canceled' } })
    expect(ended.message).toBe(
      'Run job/101 ended as canceled: AWX launched it without extra_vars.host, extra_vars.secret, extra_vars.cloud_automation_webhooks_key, which it ignored, so it was canceled',
    )
  })

  test('is reported also if the run cannot be canceled and with any result', async () => {
    server.state.beforeLaunch = () => {
      Object.assign(templateOf(12), { ask_scm_branch_on_launch: false })
      server.state.beforeLaunch = undefined
      server.failNext(503, { detail: 'Maintenance' }, { on: 'POST' })
    }
    const started = await connected().start({ ...input, ref: 'main' })
    server.finish('successful')
    const ended = await connected().end(started, input)
    expect(ended).toMatchObject({ status: 'errored', result: 'fail', data: { state: 'successful' } })
    expect(ended.message).toMatch(
      /without scm_branch, which it ignored, and it could not be canceled \(AWX answered 503/,
    )
  })
})

describe('AWX: a retry of a start', () => {
  test('finds the run after it has ended', async () => {
    for (const target of ['12', 'workflow/20', 'Patch']) {
      const first = await connected().start({ target }, { key: keyOf(launches().length + 1) })
      server.finish('failed')
      const again = await connected().start({ target }, { key: keyOf(launches().length), isRetry: true })
      expect(again.outcome.data['id']).toBe(first.outcome.data['id'])
    }
    expect(launches()).toHaveLength(3)
  })

  test('finds the run after a lost response', async () => {
    server.loseNext('POST')
    expect(await failureOf(connected().start(input))).toMatchObject({ transient: true, mayHaveWritten: true })
    expect((await connected().start(input, { isRetry: true })).job).toMatchObject({ id })
    expect(launches()).toHaveLength(1)
  })

  test('finds its own run if it was relaunched', async () => {
    await connected().start(input)
    server.state.runs.push({ ...run(), id: 102 })
    expect((await connected().start(input, { isRetry: true })).job).toMatchObject({ id })
  })

  test('finds only a run of the same template with the same key', async () => {
    await connected().start(input)
    await connected().start(ofWorkflow)
    for (const key of [keyOf(2), undefined]) await connected().start(input, { key })
    expect(launches()).toHaveLength(4)
  })

  test('finds a run before many newer ones, and has an unknown outcome before too many', async () => {
    await connected().start(input)
    const many = (count: number) => {
      for (let n = 0; n < count; n++) server.state.runs.push({ ...run(), id: 102 + n, extra_vars: '{}' })
    }
    many(150)
    expect((await connected().start(input, { isRetry: true })).job).toMatchObject({ id })
    many(100)
    expect(await failureOf(connected().start(input, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(launches()).toHaveLength(1)
  })

  test('has an unknown outcome if the list has no variables', async () => {
    server.loseNext('POST')
    await failureOf(connected().start(input))
    Object.assign(run(), { extra_vars: undefined })
    expect(await failureOf(connected().start(input, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(launches()).toHaveLength(1)
  })

  test('has an unknown outcome if the template cannot store the key', async () => {
    const cleared = { target: '13', parameters: { host: 'web1' } }
    server.loseNext('POST')
    const failure = await failureOf(connected().start(cleared))
    expect(failure).toMatchObject({ kind: 'doubtful', transient: false })
    expect(failure.message).toContain('Check AWX before you repeat the call')
    expect(await failureOf(connected().start(cleared, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(launches()).toHaveLength(1)
  })

  test('finds the key in the answer of a survey question, but not in a hidden answer', async () => {
    const cleared = { target: '13', parameters: { host: 'web1' } }
    const question = { variable: 'cloud_automation_webhooks_key', type: 'text', required: false }
    templateOf(13).survey.push(question)
    await connected().start(cleared)
    expect((await connected().start(cleared, { isRetry: true })).job).toMatchObject({ id })
    question.type = 'password'
    expect(await failureOf(connected().start(cleared, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(launches()).toHaveLength(1)
  })
})

describe('AWX: a run', () => {
  test.each(['new', 'pending', 'waiting', 'running'])('that is %s is running', async (state) => {
    for (const one of [input, ofWorkflow]) {
      const started = await connected().start(one)
      Object.assign(server.state.runs.at(-1) ?? {}, { status: state })
      expect(await connected().poll(started, one)).toMatchObject({ status: state })
    }
  })

  test.each([
    ['successful', 'succeeded', 'pass'],
    ['failed', 'succeeded', 'fail'],
    ['error', 'errored', 'fail'],
    ['canceled', 'aborted', 'fail'],
  ])('that is %s ends as %s, %s', async (state, status, result) => {
    for (const one of [input, ofWorkflow]) {
      const started = await connected().start(one)
      server.finish(state)
      const ended = await connected().end(started, one)
      expect(ended).toMatchObject({ status, result, data: { state, duration: 12.345 } })
      expect(Object.keys(ended.links)).toEqual([`awx ${ended.data['id']}`])
    }
  })

  test.each(['never updated', 'paused', 'constructor', ''])(
    'with the unknown status "%s" is running',
    async (state) => {
      const started = await connected().start(input)
      run().status = state
      expect(await connected().poll(started, input)).toMatchObject({ status: `${state} (unknown state)` })
    },
  )

  test('reports its progress and what it waits for', async () => {
    const started = await connected().start(input)
    run().job_explanation = 'waiting for project_update-7 to finish'
    expect(await connected().poll(started, input)).toMatchObject({ progress: 'waiting for project_update-7 to finish' })
    Object.assign(run(), { status: 'running', playbook_counts: { play_count: 2, task_count: 17 } })
    expect(await connected().poll(started, input)).toMatchObject({ progress: 'play 2, task 17' })
  })

  test('of a workflow reports its running nodes and approvals', async () => {
    const started = await connected().start(ofWorkflow)
    run().status = 'running'
    const node = (at: number, type: string, status: string) => ({
      workflow_job: 101,
      do_not_run: false,
      job: { id: 110 + at, name: `node ${at}`, type, status },
    })
    server.state.nodes.push(
      node(1, 'job', 'successful'),
      node(2, 'job', 'running'),
      node(3, 'workflow_approval', 'pending'),
      { workflow_job: 101, do_not_run: false, job: undefined },
      { workflow_job: 101, do_not_run: true, job: undefined },
    )
    expect(await connected().poll(started, ofWorkflow)).toMatchObject({
      progress: '1 of 4 nodes ended, node 2 running, waiting for the approval "node 3"',
    })
  })

  test('returns hosts, artifacts and duration, and has thresholds for them', async () => {
    const started = await connected().start(input)
    const artifacts = { restarted: 3, version: '1.2.3' }
    server.finish('successful', { artifacts, host_status_counts: { ok: 2, changed: 1, dark: 1, failures: 1 } })
    expect((await connected().end(started, input)).data).toEqual({
      ...times,
      id,
      url: `${server.url}/#/jobs/playbook/101`,
      state: 'successful',
      duration: 12.345,
      hosts: { ok: 2, changed: 1, failed: 1, unreachable: 1, skipped: 0 },
      artifacts,
    })
    const thresholds = [
      { metric: 'restarted', op: '>=', value: 3 },
      { metric: 'unreachable', op: '<', value: 1 },
      { metric: 'duration', op: '<', value: 60, warn: 10 },
    ]
    expect(await connected().end(started, { ...input, thresholds })).toMatchObject({
      result: 'fail',
      message: 'Run job/101 ended as successful: unreachable is 1, not < 1; duration is 12.345, not < 10',
    })
  })

  test('clips large artifacts', async () => {
    const started = await connected().start(input)
    const log = 'x'.repeat(100_000)
    server.finish('failed', { artifacts: { log }, job_explanation: log, result_traceback: log })
    server.fail('Restart nginx', 'web1', { res: { msg: log } })
    expect(JSON.stringify(await connected().end(started, input)).length).toBeLessThan(5_000)
  })

  test('that failed names the task, its hosts and the message, and nothing else of what the task was given', async () => {
    const started = await connected().start(input)
    server.fail('Rescued', 'web9', { res: { msg: 'earlier' } })
    server.fail('Restart nginx', 'web1', { res: { msg: 'Unable to start\nservice nginx', invocation: 'hunter22' } })
    server.fail('Restart nginx', 'web2', { event: 'runner_on_unreachable', res: { msg: 'Connection\nrefused' } })
    server.fail('Ignored', 'web1', { failed: false })
    server.finish('failed')
    const ended = await connected().end(started, input)
    expect(ended.message).toBe(
      'Run job/101 ended as failed: task "Restart nginx" failed on web1, web2: Connection refused',
    )
    expect(ended.data).toMatchObject({ failedTask: 'Restart nginx' })
    expect(JSON.stringify(ended)).not.toContain('hunter22')
  })

  test('that failed in a task without a log has the name of the task only', async () => {
    const started = await connected().start(input)
    server.fail('Set password', 'web1', { res: { censored: "the output has been hidden due to 'no_log: true'" } })
    server.finish('failed')
    expect((await connected().end(started, input)).message).toMatch(/task "Set password" failed on web1$/)
  })

  test('that could not run says why', async () => {
    const started = await connected().start(input)
    const result_traceback = 'Traceback (most recent call last):\n  File "jobs.py"\nValueError: no image\n'
    server.finish('error', { job_explanation: 'Task was lost', result_traceback })
    expect((await connected().end(started, input)).message).toBe(
      'Run job/101 ended as error: Task was lost; ValueError: no image',
    )
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
    expect((await connected().end(started, ofWorkflow)).message).toContain(
      'node "Restart web" ended as error; No error',
    )
  })

  test('has a verdict if the failed task cannot be read', async () => {
    const started = await connected().start(input)
    server.state.mayReadEvents = false
    server.finish('failed')
    expect(await connected().end(started, input)).toMatchObject({
      result: 'fail',
      message: expect.stringMatching(/ended as failed: the failed task could not be read \(AWX answered 403/),
    })
  })

  test('is polled again while its events are being saved its events, for a limited time', async () => {
    const started = await connected().start(input)
    server.finish('failed', { event_processing_finished: false })
    expect(await connected().poll(started, input)).toMatchObject({
      status: 'failed',
      progress: 'failed, saving its events',
      pollImmediately: true,
    })
    run().finished = new Date(Date.now() - 61_000).toISOString()
    expect(await connected().poll(started, input)).toMatchObject({ outcome: { result: 'fail' } })
  })

  test('that does not exist or is not visible is refused with the reason of AWX', async () => {
    const started = await connected().start(input)
    server.state.runs = []
    const failure = await failureOf(connected().poll(started, input))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('404 to GET /api/v2/jobs/101/') })
    expect(failure.message).toContain('Not found.')
  })
})

describe('AWX: a stop', () => {
  test('cancels a job or a workflow by its id', async () => {
    for (const one of [input, ofWorkflow]) {
      const { outcome } = await connected().start(one)
      const stopped = await connected().stop({ id: outcome.data['id'] })
      expect(stopped).toMatchObject({ result: 'pass', data: { state: 'canceled' } })
      expect(stopped.message).toBe(`Stopped run ${outcome.data['id']} (canceled)`)
    }
  })

  test('passes for an ended run, also if it ends before the stop', async () => {
    const started = await connected().start(input)
    server.finish('successful')
    expect(await connected().stop({ id })).toMatchObject({ message: 'Run job/101 had ended already (successful)' })
    expect(await connected().stopAtDeadline(started, input)).toBe(true)
    expect(run().status).toBe('successful')
  })

  test('shows the reason of AWX', async () => {
    await connected().start(input)
    server.state.mayExecute = false
    expect((await failureOf(connected().stop({ id }))).message).toContain('403 to POST /api/v2/jobs/101/cancel/')
    expect((await failureOf(connected().stop({ id: 'workflow/101' }))).message).toContain('404')
  })

  test.each(['101', 'job/', 'job/x', 'job/1/../2', 'project/1'])('refuses the id %s', async (wrong) => {
    const failure = await failureOf(connected().stop({ id: wrong }))
    expect(failure).toMatchObject({ kind: 'invalid' })
    expect(failure.message).toContain('must be like job/12 or workflow/7')
  })
})
