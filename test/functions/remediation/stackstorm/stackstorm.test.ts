import { describe, expect, test } from '@jest/globals'
import { stackstorm } from '../../../../functions/remediation/stackstorm/stackstorm.ts'
import { newestOf } from '../../../../infra/testing/loopback-server.ts'
import { vendorStates } from '../../../conformance/job/vendor-states.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { keyOf } from '../../helpers.ts'
import { runbookActions } from '../../job-actions.ts'
import { jobRow } from './fake.ts'
import { listedStates } from './states.ts'

const input = { target: 'shop.restart', parameters: { host: 'web1', times: 2 } }
const id = '54e657f20000000000000000'
const braces = { host: { a: { b: [{ c: '}} { %' }] } } }

const execution = () => newestOf(server.state.executions)
const endWith = (...end: Parameters<typeof server.finish>) => connected().endAfter(input, () => server.finish(...end))

const { server, connected } = jobConformance(stackstorm, runbookActions, jobRow, {
  states: vendorStates(listedStates, { running: ['requested', 'delayed'], fail: ['timeout'], errored: ['abandoned'] }),
  unknownStates: ['', 'processed', 'constructor'],
  invalidStarts: [
    {
      name: 'an action without its pack',
      input: { target: 'restart' },
      message: 'must be an action with its pack, such as core.local',
    },
    { name: 'a project', input: { project: 'shop' }, message: 'An action belongs to a pack' },
    { name: 'a version', input: { ref: 'main' }, message: 'runs the installed version of a pack' },
    { name: 'a template', input: { parameters: { host: '{{ st2kv.system.password }}' } }, message: 'as a template' },
    {
      name: 'a nested template',
      input: { parameters: { host: { names: ['{% set a = 1 %}'] } } },
      message: 'as a template',
    },
  ],
  sends: [
    {
      name: 'braces that are not a template',
      input: { parameters: braces },
      request: { body: { parameters: braces } },
    },
  ],
  reports: [
    {
      name: 'the reason of a workflow that failed itself',
      change: ({ task, finish }) => {
        task('first', 'core.local', 'succeeded')
        finish('failed', { errors: [{ message: 'Unable to evaluate' }], output: null })
      },
      reported: { message: expect.stringContaining('ended as failed: Unable to evaluate') },
    },
  ],
  invalidIds: { ids: ['134', 'last', '54e657f2/../x', '54E657F20000000000000000'], message: 'such as 54e657' },
  refused: [
    { name: 'an unknown action', input: { target: 'shop.nope' }, reason: 'Action "shop.nope" cannot be found.' },
    { name: 'a missing parameter', input: { target: 'shop.recover' }, reason: "'shop' is a required property" },
    { name: 'an unknown parameter', input: { parameters: { hots: 1 } }, reason: "('hots' was unexpected)" },
    {
      name: 'a user who may not execute',
      change: withState({ denied: ['action_execute'] }),
      reason: '"action_execute"',
    },
    {
      name: 'a user who may not read traces',
      change: withState({ denied: ['trace_list'] }),
      reason: 'User "robot" doesn\'t have required',
    },
  ],
  measures: {
    end: ({ finish }) => finish('succeeded', { output: { restarted: 3, name: 'x' } }),
    metrics: { restarted: 3, duration: 5 },
    data: { output: { restarted: 3, name: 'x' }, duration: 5 },
  },
  slowStop: { state: 'canceling' },
  refusedStops: [
    {
      change: ({ state }) => Object.assign(state.executions[0] ?? {}, { status: 'paused' }),
      reason: 'cannot be canceled. State = paused.',
    },
    { change: withState({ denied: ['execution_stop'] }), reason: 'required permission "execution_stop"' },
  ],
  refusal: (faultstring) => ({ faultstring }),
})

test('StackStorm: a start executes an action with its parameters and the key in its trace', async () => {
  const { outcome } = await connected().start(input)
  const url = `https://stackstorm.example.com/#/history/${id}/general`
  const message = `Started execution ${id}. It is still running: use mode=interactive to wait`
  expect(outcome).toMatchObject({ result: 'warning', message, data: { id, url } })
  const context = { trace_context: { trace_tag: keyOf(1) } }
  expect(execution()).toMatchObject({ action: { ref: 'shop.restart' }, parameters: input.parameters, context })
})

test('StackStorm: a start that is retried finds the execution itself, not one that it caused', async () => {
  await connected().start(input)
  server.task('restart', 'core.local', 'succeeded')
  server.state.traces[0]?.action_executions.reverse()
  expect((await connected().start(input, { isRetry: true })).job).toMatchObject({ id })
})

describe('StackStorm: an execution', () => {
  test.each([
    ['running', 'started tasks: 1'],
    ['pending', 'waiting for the answer to an inquiry'],
    ['paused', expect.stringContaining('paused by')],
  ])('that is %s reports its progress', async (status, progress) => {
    const polled = await connected().pollAfter(input, () => {
      execution().status = status
      server.task('restart', 'core.local', 'running')
    })
    expect(polled).toMatchObject({ progress })
  })

  const none = { stdout: '', stderr: '', return_code: 0 }
  test.each([
    ['a workflow', { output: { restarted: 3 } }, { restarted: 3 }],
    ['a chain', { tasks: [{ id: 'a' }], published: { restarted: 3 } }, { restarted: 3 }],
    ['a script in Python', { result: { restarted: 3 }, stdout: 'log', exit_code: 0 }, { restarted: 3 }],
    ['a command', { stdout: 'done', stderr: '', return_code: 0, succeeded: true }, 'done'],
    ['a command without output', none, none],
    ['a request', { status_code: 200, body: {} }, { status_code: 200, body: {} }],
  ])('of %s returns its output', async (_, result, output) => {
    expect((await endWith('succeeded', result)).data).toMatchObject({ output, duration: 5 })
  })

  test.each([
    [{ stderr: 'Traceback:\n  File "a.py"\nValueError: no host\n', exit_code: 1 }, ': ValueError: no host'],
    [{ stderr: '', stdout: '', return_code: 3, failed: true }, ': exit code 3'],
    [{ error: 'Action failed to complete in 60 (s)', traceback: 'x' }, ': Action failed to complete in 60 (s)'],
    [{ errors: [{ type: 'error', task_id: 'a', message: 'Unable to render' }], output: null }, ': Unable to render'],
    [
      { web1: { succeeded: true }, web2: { succeeded: false, stderr: 'no such unit', return_code: 5 } },
      ': on web2: no such unit',
    ],
    [undefined, ''],
  ])('that failed has the reason in %j', async (result, says) => {
    expect((await endWith('failed', result)).message).toBe(`Execution ${id} ended as failed${says}`)
  })

  test('of a failed workflow names the newest failed task and its action', async () => {
    const { message, data } = await connected().endAfter(input, () => {
      server.task('first', 'core.local', 'failed', { result: { stderr: 'tried again' } })
      server.task('restart', 'core.remote', 'timeout', { result: { error: 'Timed out' } })
      server.task('notify', 'core.local', 'succeeded')
      server.finish('failed', { errors: [{ message: 'Execution failed. See result for details.' }] })
    })
    expect(message).toBe(`Execution ${id} ended as failed: task "restart" (core.remote) ended as timeout: Timed out`)
    expect(data).toMatchObject({ failedTask: 'restart', failedAction: 'core.remote' })
    const [list] = server.calls.filter(({ query }) => query.has('parent'))
    expect(list?.query.get('exclude_attributes')).toBe('result,trigger_instance')
  })

  test('of a nested workflow names the task in it', async () => {
    const { message, data } = await connected().endAfter(input, () => {
      const inner = server.task('heal', 'shop.heal', 'failed', { chain: true })
      server.task('restart', 'core.local', 'failed', { parent: inner.id, result: { stderr: 'no such unit' } })
      server.finish('failed', {})
    })
    expect(message).toContain('task "heal": task "restart" (core.local) ended as failed: no such unit')
    expect(data).toMatchObject({ failedTask: 'restart', failedAction: 'core.local' })
  })

  test('has a verdict if its tasks cannot be read', async () => {
    const { result, message } = await connected().endAfter(input, () => {
      server.task('restart', 'core.local', 'failed')
      server.finish('failed', { error: 'It broke' })
      server.state.denied = ['execution_list']
    })
    const reason = /^fail: .*: It broke; its tasks could not be read \(StackStorm answered 403/
    expect(`${result}: ${message}`).toMatch(reason)
  })

  const long = 'x'.repeat(100_000)
  test.each([
    ['succeeded', { output: { long } }],
    ['failed', { stderr: long }],
  ])('that %s clips a large output', async (state, result) => {
    expect(JSON.stringify(await endWith(state, result)).length).toBeLessThan(4_000)
  })

  test.each(['succeeded', 'failed'])(
    'that %s reports the size of an output that is too large to read',
    async (state) => {
      const result = { stdout: 'x', stderr: 'x' }
      const tooLarge = 'its result of 2000000 bytes is too large to read'
      expect(JSON.stringify(await endWith(state, result, { result_size: 2_000_000 }))).toContain(tooLarge)
    },
  )

  test.each([undefined, 'javascript:alert(1)'])('with the page %s has a valid link', async (web_url) => {
    const { links } = await endWith('succeeded', {}, { web_url } as object)
    expect(links).toEqual({ [`stackstorm ${id}`]: `${server.url}/#/history/${id}/general` })
  })
})

test('StackStorm: a stopped execution reports who canceled it', async () => {
  const ended = await connected().endAfter(input, () => connected().stop({ id }))
  expect(ended.message).toBe(`Execution ${id} ended as canceled: Action canceled by user.`)
})
