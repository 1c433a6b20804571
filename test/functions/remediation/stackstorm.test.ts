import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { actions } from '../../../functions/remediation/actions.ts'
import { stackstorm } from '../../../functions/remediation/providers/stackstorm.ts'
import { type StackStormServer, startStackStorm } from '../../../infra/platforms/stackstorm.ts'
import { jobConformance } from '../../conformance/job.ts'
import { remediationPlatforms } from '../../conformance/job-platforms/remediation.ts'
import { failureOf, keyOf } from '../helpers.ts'
import { Job } from '../job.ts'

const runbooks = { start: actions['run-runbook'], stop: actions['stop-runbook'] }

let server: StackStormServer
beforeEach(async () => {
  server = await startStackStorm()
})
afterEach(() => server.close())

const input = { target: 'shop.restart', parameters: { host: 'web1', times: 2 } }
const id = '54e657f20000000000000000'

const connected = (fields: object = {}) =>
  new Job(stackstorm, runbooks, () => ({ baseUrl: server.url, token: server.token, ...fields }))
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const execution = () => {
  const [found] = server.state.executions
  if (!found) throw new Error('The fake has no execution')
  return found
}

jobConformance(stackstorm, runbooks, remediationPlatforms.stackstorm, {
  states: {
    running: ['requested', 'scheduled', 'delayed', 'running', 'pending', 'pausing', 'paused', 'resuming', 'canceling'],
    pass: ['succeeded'],
    fail: ['failed', 'timeout'],
    errored: ['abandoned'],
    aborted: ['canceled'],
  },
  refusal: (faultstring) => ({ faultstring }),
})

describe('StackStorm: a start', () => {
  test('executes an action and returns the running execution', async () => {
    const { outcome } = await connected().start(input)
    const url = `https://stackstorm.example.com/#/history/${id}/general`
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: 'warning',
      message: `Started execution ${id}. It is still running: use mode=interactive to wait`,
      data: { id, url, state: 'started' },
      links: { [`stackstorm ${id}`]: url },
    })
    expect(execution()).toMatchObject({
      action: { ref: 'shop.restart' },
      parameters: { host: 'web1', times: 2 },
      context: { trace_context: { trace_tag: keyOf(1) } },
    })
  })

  test('uses the action of the connection, and sends no trace without a key', async () => {
    await connected({ target: 'shop.restart' }).start({}, { key: undefined })
    expect(execution()).toMatchObject({ action: { ref: 'shop.restart' }, context: { user: 'robot' } })
    expect(execution().context).not.toHaveProperty('trace_context')
  })

  test.each([
    [{ target: 'shop.nope' }, 'Action "shop.nope" cannot be found.'],
    [{ target: 'shop.recover' }, "'shop' is a required property"],
    [{ target: 'shop.restart', parameters: { hots: 1 } }, "('hots' was unexpected)"],
  ])('shows the reason of StackStorm for %j', async (wrong, says) => {
    const failure = await failureOf(connected().start(wrong))
    expect(failure).toMatchObject({ kind: 'refused', status: 422, message: expect.stringContaining(says) })
    expect(server.state.executions).toEqual([])
  })

  test.each(['action_execute', 'trace_list'])(
    'is refused in the words of StackStorm without %s',
    async (permission) => {
      server.state.denied = [permission]
      const failure = await failureOf(connected().start(input))
      expect(failure.message).toContain(`403 to`)
      expect(failure.message).toContain(`User "robot" doesn't have required permission "${permission}"`)
    },
  )

  test.each([
    ['target', { target: 'restart' }, 'must be an action with its pack, such as core.local'],
    ['project', { ...input, project: 'shop' }, 'An action belongs to a pack'],
    ['ref', { ...input, ref: 'main' }, 'runs the installed version of a pack'],
    ['parameters.host', { ...input, parameters: { host: '{{ st2kv.system.password }}' } }, 'as a template'],
    ['parameters.host', { ...input, parameters: { host: { names: ['{% set a = 1 %}'] } } }, 'as a template'],
  ])('is refused because of %s before anything is sent', async (path, wrong, says) => {
    const failure = await failureOf(connected().start(wrong))
    expect(failure).toMatchObject({ kind: 'invalid', errors: [{ path: `input.${path}` }] })
    expect(failure.message).toContain(says)
    expect(server.calls).toEqual([])
  })

  test('accepts braces that are not a template', async () => {
    await connected().start({ ...input, parameters: { host: { a: { b: [{ c: '}} { %' }] } } } })
    expect(execution().parameters).toEqual({ host: { a: { b: [{ c: '}} { %' }] } } })
  })
})

describe('StackStorm: a retry of a start', () => {
  test('finds the execution after it has ended', async () => {
    await connected().start(input)
    server.finish('failed')
    expect((await connected().start(input, { isRetry: true })).outcome.data).toMatchObject({ id })
    expect(calls('POST')).toHaveLength(1)
  })

  test('finds the execution after a lost response', async () => {
    server.loseNext('POST')
    expect(await failureOf(connected().start(input))).toMatchObject({ transient: true, mayHaveWritten: true })
    expect((await connected().start(input, { isRetry: true })).outcome.data).toMatchObject({ id })
    expect(server.state.executions).toHaveLength(1)
  })

  test('finds the execution itself, not one that it caused', async () => {
    await connected().start(input)
    server.task('restart', 'core.local', 'succeeded')
    server.state.traces[0]?.action_executions.reverse()
    expect((await connected().start(input, { isRetry: true })).job).toMatchObject({ id })
  })

  test('starts another execution for another key or without a key', async () => {
    for (const key of [keyOf(1), keyOf(2), undefined, undefined]) await connected().start(input, { key })
    expect(server.state.executions).toHaveLength(4)
  })
})

describe('StackStorm: an execution', () => {
  test.each(['requested', 'scheduled', 'delayed', 'running', 'pending', 'pausing', 'paused', 'resuming', 'canceling'])(
    'that is %s is running',
    async (status) => {
      const started = await connected().start(input)
      execution().status = status
      expect(await connected().poll(started, input)).toMatchObject({ status: status })
    },
  )

  test.each([
    ['succeeded', 'succeeded', 'pass'],
    ['failed', 'succeeded', 'fail'],
    ['timeout', 'succeeded', 'fail'],
    ['abandoned', 'errored', 'fail'],
    ['canceled', 'aborted', 'fail'],
  ])('that is %s ends as %s, %s', async (state, status, result) => {
    const started = await connected().start(input)
    server.finish(state)
    expect(await connected().end(started, input)).toMatchObject({ status, result, data: { id, state, duration: 4.5 } })
  })

  test.each(['', 'processed', 'constructor'])('with the unknown status "%s" is running', async (status) => {
    const started = await connected().start(input)
    execution().status = status
    expect(await connected().poll(started, input)).toMatchObject({ status: `${status} (unknown state)` })
  })

  test('reports the number of started tasks and what it waits for', async () => {
    const started = await connected().start(input)
    execution().status = 'running'
    server.task('restart', 'core.local', 'running')
    expect(await connected().poll(started, input)).toMatchObject({ progress: 'started tasks: 1' })
    execution().status = 'pending'
    expect(await connected().poll(started, input)).toMatchObject({ progress: 'waiting for the answer to an inquiry' })
    execution().status = 'paused'
    expect(await connected().poll(started, input)).toMatchObject({ progress: expect.stringContaining('paused by') })
  })

  test.each([
    ['a workflow', { output: { restarted: 3 } }, { restarted: 3 }],
    ['a chain', { tasks: [{ id: 'a' }], published: { restarted: 3 } }, { restarted: 3 }],
    ['a script in Python', { result: { restarted: 3 }, stdout: 'log', exit_code: 0 }, { restarted: 3 }],
    ['a command', { stdout: 'done', stderr: '', return_code: 0, succeeded: true }, 'done'],
    [
      'a command without output',
      { stdout: '', stderr: '', return_code: 0 },
      { stdout: '', stderr: '', return_code: 0 },
    ],
    ['a request', { status_code: 200, body: {} }, { status_code: 200, body: {} }],
  ])('of %s returns its output', async (_, result, output) => {
    const started = await connected().start(input)
    server.finish('succeeded', result)
    expect((await connected().end(started, input)).data).toMatchObject({ output })
  })

  test('has thresholds for its output and its duration', async () => {
    const started = await connected().start(input)
    server.finish('succeeded', { output: { restarted: 3, name: 'x' } })
    const thresholds = [
      { metric: 'restarted', op: '>=', value: 4 },
      { metric: 'duration', op: '<', value: 60, warn: 4 },
    ]
    expect(await connected().end(started, { ...input, thresholds })).toMatchObject({
      result: 'fail',
      message: `Execution ${id} ended as succeeded: restarted is 3, not >= 4; duration is 4.5, not < 4`,
    })
  })

  test.each([
    [{ stderr: 'Traceback:\n  File "a.py"\nValueError: no host\n', exit_code: 1 }, 'ValueError: no host'],
    [{ stderr: '', stdout: '', return_code: 3, failed: true }, 'exit code 3'],
    [{ error: 'Action failed to complete in 60 (s)', traceback: 'x' }, 'Action failed to complete in 60 (s)'],
    [{ errors: [{ type: 'error', task_id: 'a', message: 'Unable to render' }], output: null }, 'Unable to render'],
    [
      { web1: { succeeded: true }, web2: { succeeded: false, stderr: 'no such unit', return_code: 5 } },
      'on web2: no such unit',
    ],
  ])('that failed has the reason in %j', async (result, says) => {
    const started = await connected().start(input)
    server.finish('failed', result)
    expect((await connected().end(started, input)).message).toBe(`Execution ${id} ended as failed: ${says}`)
  })

  test('that failed without a reason has its state only', async () => {
    const started = await connected().start(input)
    server.finish('failed')
    expect((await connected().end(started, input)).message).toBe(`Execution ${id} ended as failed`)
  })

  test('of a failed workflow names the newest failed task and its action', async () => {
    const started = await connected().start(input)
    server.task('first', 'core.local', 'failed', { result: { stderr: 'tried again' } })
    server.task('restart', 'core.remote', 'timeout', { result: { error: 'Timed out' } })
    server.task('notify', 'core.local', 'succeeded')
    server.finish('failed', { errors: [{ message: 'Execution failed. See result for details.' }] })
    const ended = await connected().end(started, input)
    expect(ended.message).toBe(
      `Execution ${id} ended as failed: task "restart" (core.remote) ended as timeout: Timed out`,
    )
    expect(ended.data).toMatchObject({ failedTask: 'restart', failedAction: 'core.remote' })
    const [list] = server.calls.filter(({ query }) => query.has('parent'))
    expect(list?.query.get('exclude_attributes')).toBe('result,trigger_instance')
  })

  test('of a nested workflow names the task in it', async () => {
    const started = await connected().start(input)
    const inner = server.task('heal', 'shop.heal', 'failed', { chain: true })
    server.task('restart', 'core.local', 'failed', { parent: inner.id, result: { stderr: 'no such unit' } })
    server.finish('failed', {})
    const ended = await connected().end(started, input)
    expect(ended.message).toContain('task "heal": task "restart" (core.local) ended as failed: no such unit')
    expect(ended.data).toMatchObject({ failedTask: 'restart', failedAction: 'core.local' })
  })

  test('of a workflow that failed itself has its reason', async () => {
    const started = await connected().start(input)
    server.task('first', 'core.local', 'succeeded')
    server.finish('failed', { errors: [{ message: 'Unable to evaluate' }], output: null })
    expect((await connected().end(started, input)).message).toContain('ended as failed: Unable to evaluate')
  })

  test('has a verdict if its tasks cannot be read', async () => {
    const started = await connected().start(input)
    server.task('restart', 'core.local', 'failed')
    server.finish('failed', { error: 'It broke' })
    server.state.denied = ['execution_list']
    expect(await connected().end(started, input)).toMatchObject({
      result: 'fail',
      message: expect.stringMatching(
        /ended as failed: It broke; its tasks could not be read \(StackStorm answered 403/,
      ),
    })
  })

  test('clips a large output and reports its size', async () => {
    const started = await connected().start(input)
    const long = 'x'.repeat(100_000)
    for (const [state, result] of [
      ['succeeded', { output: { long } }],
      ['failed', { stderr: long }],
    ] as const) {
      server.finish(state, result)
      expect(JSON.stringify(await connected().end(started, input)).length).toBeLessThan(4_000)
    }
    const tooLarge = 'its result of 2000000 bytes is too large to read'
    server.finish('failed', { stderr: 'x' }, { result_size: 2_000_000 })
    expect((await connected().end(started, input)).message).toContain(tooLarge)
    server.finish('succeeded', { stdout: 'x' }, { result_size: 2_000_000 })
    expect((await connected().end(started, input)).data).toMatchObject({ output: tooLarge })
  })

  test.each([undefined, 'javascript:alert(1)'])('with the page %s has a valid link', async (web_url) => {
    const started = await connected().start(input)
    server.finish('succeeded', {}, { web_url } as object)
    const url = `${server.url}/#/history/${id}/general`
    expect((await connected().end(started, input)).links).toEqual({ [`stackstorm ${id}`]: url })
  })

  test('that does not exist is refused with the reason of StackStorm', async () => {
    const started = await connected().start(input)
    server.state.executions = []
    expect(await failureOf(connected().poll(started, input))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining(`Identifier "${id}" is not found`),
    })
  })
})

describe('StackStorm: a stop', () => {
  test('cancels an execution by its id and waits until it has ended', async () => {
    const started = await connected().start(input)
    expect(await connected().stop({ id })).toMatchObject({ result: 'pass', data: { id, state: 'canceled' } })
    expect(await connected().end(started, input)).toMatchObject({
      status: 'aborted',
      message: `Execution ${id} ended as canceled: Action canceled by user.`,
    })
    execution().status = 'running'
    expect((await connected().stop({ id })).message).toBe('still canceling')
    expect((await connected().stop({ id })).message).toBe('still canceling')
  })

  test('passes for an ended execution, also if it ends before the stop', async () => {
    const started = await connected().start(input)
    server.finish('succeeded')
    expect(await connected().stop({ id })).toMatchObject({
      message: `Execution ${id} had ended already (succeeded)`,
    })
    expect(calls('DELETE')).toEqual([])
    expect(await connected().stopAtDeadline(started, input)).toBe(true)
  })

  test('shows the reason of StackStorm', async () => {
    await connected().start(input)
    execution().status = 'paused'
    expect(await failureOf(connected().stop({ id }))).toMatchObject({
      kind: 'refused',
      message: `StackStorm did not cancel execution ${id}: Action cannot be canceled. State = paused.`,
    })
    server.state.denied = ['execution_stop']
    expect((await failureOf(connected().stop({ id }))).message).toContain('required permission "execution_stop"')
  })

  test.each(['134', 'last', '54e657f2/../x', '54E657F20000000000000000'])('refuses the id %s', async (wrong) => {
    const failure = await failureOf(connected().stop({ id: wrong }))
    expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining('such as 54e657') })
    expect(server.calls).toEqual([])
  })
})
