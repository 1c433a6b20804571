import { describe, expect, it } from '@jest/globals'
import { demo } from '../../../infra/sandbox/platforms/sandbox/demo.ts'
import type { Call } from '../../../infra/testing/loopback-server.ts'
import { dynatraceSecret } from '../../../shared/orchestrators/dynatrace/dynatrace.ts'
import type { Answer } from '../../../shared/orchestrators/orchestrator.ts'
import { type Outcome, passed } from '../../../shared/outcome.ts'
import type { OrchestratorSubject } from '../../conformance/orchestrator/options.ts'
import { orchestratorConformance } from '../../conformance/orchestrator.ts'
import { type EnvironmentServer, startEnvironment } from '../../platforms/dynatrace/environment-server.ts'

const execution = '0b1a5b6e-8c5e-4a2e-9c0a-2f2f6a0f5f11'
const { release, continuation } = demo.workflows
const payload = { id: 'load_test', data: { stage: 'staging', service: 'checkout' }, dynatrace: { execution } }
const PATHS: [RegExp, Answer['kind']][] = [
  [/\/executions\/[^/]+\/resume$/, 'finished'],
  [/\/workflows\/[^/]+\/run$/, 'finished'],
]

/** Returns the event that a request ingests. */
const eventIn = ({ path, body }: Call) =>
  path.endsWith('events.sdlc') ? (body as { 'event.status': Answer['kind']; 'event.id': string }[])[0] : undefined

const wrongToken = { kind: 'credentials' }
const checks: Record<string, Partial<OrchestratorSubject<EnvironmentServer>>> = {
  resume: {
    check: ['GET /platform/automation/v1/executions'],
    failedChecks: [
      { settings: { token: 'dt0s16.wrong' }, failure: wrongToken },
      { settings: { answer: 'event', ingestToken: 'dt0c01.wrong' }, failure: wrongToken },
      {
        settings: { answer: 'run', workflows: [execution] },
        failure: { kind: 'refused', message: expect.stringContaining(execution) },
      },
      // A login page.
      {
        settings: {},
        failure: { kind: 'platform' },
        change: (server) => server.failNext(200, '<!doctype html><title>Log in</title>'),
      },
    ],
    invalidSettings: [
      { settings: { answer: ['resume', 'run'] }, problem: 'answer must have event, resume or run' },
      { settings: { answer: [] }, problem: 'answer must have event, resume or run' },
      { settings: { answer: 'run', workflows: undefined }, problem: 'workflows is required for run' },
      { settings: { answer: 'event', ingestToken: undefined }, problem: 'ingestToken is required for event' },
      { settings: { token: undefined }, problem: 'token is required for resume and run' },
      { settings: { answer: 'run', workflows: 'release' }, problem: 'workflows.0 must be the id of a workflow' },
    ],
  },
  'event and run': {
    check: [
      'GET /platform/automation/v1/executions',
      `GET /platform/automation/v1/workflows/${continuation}`,
      'POST /platform/ingest/v1/events.sdlc',
    ],
  },
}

const tests = [['resume'], ['run'], ['event'], ['event', 'run']].map((answer) => {
  const by = answer.join(' and ')
  return orchestratorConformance('dynatrace', {
    name: `dynatrace by ${by}`,
    body: payload,
    required: ['id', 'dynatrace.execution'],
    sends: answer.includes('event') ? ['started', 'finished'] : ['finished'],
    ...checks[by],
    async start() {
      const server = await startEnvironment()
      const { dynatracePlatformToken: token, dynatraceToken: ingestToken } = demo
      return {
        server,
        secrets: [token, ingestToken],
        settings: { ...connection(server), answer, workflows: [continuation] },
        /** Pauses the execution. */
        reset() {
          server.empty()
          server.automation.start(release, execution)
          server.automation.set(execution, 'PAUSED')
        },
        kindOf: (call: Call) => eventIn(call)?.['event.status'] ?? PATHS.find(([path]) => path.test(call.path))?.[1],
        identityOf: (call: Call) => eventIn(call)?.['event.id'] ?? `${call.path} ${JSON.stringify(call.body)}`,
      }
    },
  })
})
const [byResume] = tests
if (!byResume) throw new Error('There are tests of each way.')
const { server, connect, parse, task, send } = byResume

function connection({ url }: { url: string }) {
  return { baseUrl: url, token: demo.dynatracePlatformToken, ingestUrl: url, ingestToken: demo.dynatraceToken }
}
const outcome = passed('Passed: 0 errors', { id: '7' }, { k6: 'https://k6.example.com/runs/7' })
const finished = (of: Partial<Outcome> = {}, ageMinutes = 0): Answer => ({
  kind: 'finished',
  outcome: { ...outcome, ...of },
  at: Date.now() - ageMinutes * 60_000,
})
const requests = () =>
  server.calls.map(({ method, path }) => `${method} ${path.replace('/platform/automation/v1/', '')}`)
const state = () => server.automation.get(execution)?.state

describe('A call of a workflow', () => {
  it('is identified by the execution and the name of the task', () => {
    const context = { context: execution, replyTo: undefined, isDetailed: true, hasObservers: false }
    expect(parse(payload)).toMatchObject({ id: `${execution}/load_test`, ...context })
    expect(parse({ ...payload, id: `${execution}/load_test` }).id).toBe(`${execution}/load_test`)
    expect(parse({ ...payload, context: 'release-7' }).context).toBe(execution)
  })

  it.each(['', 7, '../../workflows', `${execution}/resume`])('with the execution %p is refused', (wrong) => {
    expect(() => parse({ id: 'load_test', dynatrace: { execution: wrong } })).toThrow('dynatrace.execution is required')
  })

  it('may name only a workflow that the secret has', () => {
    const settings = { answer: ['event', 'run'], workflows: `${continuation},${release}` }
    const named = (workflow: string) =>
      parse({ ...payload, dynatrace: { execution, continue: workflow } }, undefined, settings)
    expect(named(release)).toMatchObject({ replyTo: release, hasObservers: true })
    expect(() => named(execution)).toThrow(
      `dynatrace.continue must be one of the workflows ${continuation}, ${release}`,
    )
    expect(() => parse({ ...payload, dynatrace: { execution, continue: release } })).toThrow(
      'dynatrace.continue must be omitted: the orchestrator does not answer by run',
    )
  })

  it('links to its execution', () => {
    const link = (context: string | undefined) =>
      connect({ baseUrl: 'https://abc.apps.dynatrace.com/' }).linkTo?.({ context })
    expect(link(execution)).toBe(`https://abc.apps.dynatrace.com/ui/apps/dynatrace.automations/executions/${execution}`)
    expect(link('release-7')).toBeUndefined()
    expect(link(undefined)).toBeUndefined()
  })
})

describe('An answer by resume', () => {
  it('resumes the paused execution', async () => {
    expect(await send(finished())).toBe('sent')
    expect(requests()).toEqual([`GET executions/${execution}`, `POST executions/${execution}/resume`])
    expect(state()).toBe('RUNNING')
  })

  it('that comes before the pause is refused until the execution has paused', async () => {
    server.automation.set(execution, 'RUNNING')
    await expect(send(finished({}, 59))).rejects.toMatchObject({ kind: 'refused' })
    server.automation.set(execution, 'PAUSED')
    expect(await send(finished({}, 59), 1)).toBe('sent')
    expect(state()).toBe('RUNNING')
  })

  it('that fails before the pause is sent again', async () => {
    server.automation.set(execution, 'RUNNING')
    server.failNext(503, {}, { on: 'POST' })
    await expect(send(finished())).rejects.toMatchObject({ kind: 'platform' })
    server.automation.set(execution, 'PAUSED')
    expect(await send(finished(), 1)).toBe('sent')
    expect(state()).toBe('RUNNING')
  })

  it('is unwanted if the execution has not paused within an hour', async () => {
    server.automation.set(execution, 'RUNNING')
    expect(await send(finished({}, 60), 20)).toBe('unwanted')
    server.empty()
    expect(await send(finished({}, 61), 20)).toBe('unwanted')
  })

  it('is not sent again if the execution has paused for it and runs again', async () => {
    const afterPause = () => connect().send({ ...task(), hasPaused: true }, finished(), 1)
    expect(await afterPause()).toBe('sent')
    expect(await afterPause()).toBe('sent')
    expect(requests().filter((line) => line.startsWith('POST'))).toHaveLength(1)
    server.automation.set(execution, 'SUCCESS')
    expect(await afterPause()).toBe('unwanted')
  })

  it.each(['SUCCESS', 'ERROR', 'CANCELLED'] as const)('is unwanted if the execution ended with %s', async (end) => {
    server.automation.set(execution, end)
    expect(await send(finished())).toBe('unwanted')
    expect(requests()).toEqual([`GET executions/${execution}`])
  })

  it('is retried for a day if the token may not resume, because the execution stays paused', async () => {
    server.failNext(403, { error: { code: 403, message: 'Forbidden' } }, { on: 'POST' })
    await expect(send(finished({}, 600), 30)).rejects.toMatchObject({ kind: 'refused' })
  })

  it('whose response was lost is not sent again, because the next pause belongs to another task', async () => {
    server.loseNext('POST')
    expect(await send(finished())).toBe('sent')
    expect(requests().filter((line) => line.startsWith('POST'))).toHaveLength(1)
  })
})

describe('The pause for an answer by resume', () => {
  const hasPaused = (ageMinutes = 0, settings = {}) =>
    connect(settings).hasPaused?.(task(), Date.now() - ageMinutes * 60_000)

  it('is awaited for an hour', async () => {
    expect(parse(payload).needsPause).toBe(true)
    expect(await hasPaused()).toBe(true)
    server.automation.set(execution, 'RUNNING')
    await expect(hasPaused(59)).rejects.toMatchObject({
      kind: 'refused',
      message: 'The execution has not paused for the result yet: it is RUNNING.',
    })
    expect(await hasPaused(60)).toBe(false)
    server.empty()
    await expect(hasPaused(59)).rejects.toMatchObject({ kind: 'refused' })
    expect(await hasPaused(60)).toBe(false)
  })

  it.each(['SUCCESS', 'ERROR', 'CANCELLED'] as const)('is not awaited if the execution ended with %s', async (end) => {
    server.automation.set(execution, end)
    expect(await hasPaused()).toBe(false)
  })

  it('is awaited for a day if the token may not read the execution', async () => {
    server.failNext(403, { error: { code: 403, message: 'Forbidden' } })
    await expect(hasPaused(600)).rejects.toMatchObject({ kind: 'refused' })
  })

  it('is not awaited for the other ways', async () => {
    const settings = { answer: ['event', 'run'], workflows: [continuation] }
    expect(parse(payload, undefined, settings).needsPause).toBe(false)
    server.automation.set(execution, 'RUNNING')
    expect(await hasPaused(0, settings)).toBe(false)
  })
})

describe('An answer by run', () => {
  const settings = { answer: 'run', workflows: [continuation, release] }
  const runs = () => server.automation.executions().filter(({ id }) => id !== execution)

  it.each([
    ['pass', {}],
    ['warning', { result: 'warning' }],
    ['fail', { result: 'fail' }],
    ['errored', { status: 'errored', result: 'fail' }],
    ['aborted', { status: 'aborted', result: 'fail' }],
  ] as [string, Partial<Outcome>][])('starts the workflow with the verdict %s', async (verdict, of) => {
    expect(await send(finished(of), 0, settings)).toBe('sent')
    const input = {
      taskId: task().id,
      id: `${execution}/load_test`,
      execution,
      task: 'load_test',
      verdict,
      category: 'load-testing',
      action: 'start-test',
      stage: 'staging',
      service: 'checkout',
      message: 'Passed: 0 errors',
      data: { id: '7' },
      links: outcome.links,
      statusUrl: `https://webhooks.example.com/v1/load-testing/tasks/${task().id}`,
    }
    const params = { source: 'cloud-automation-webhooks' }
    expect(runs()).toMatchObject([{ workflow: continuation, params, input }])
  })

  it('goes to the workflow that the call names, while the secret has it', async () => {
    const named = { ...task(), replyTo: release }
    expect(await connect(settings).send(named, finished(), 0)).toBe('sent')
    expect(runs()).toMatchObject([{ workflow: release }])
    const later = connect({ ...settings, workflows: [continuation] })
    await expect(later.send(named, finished(), 1)).rejects.toMatchObject({ kind: 'misconfigured' })
  })

  it('that is too large omits its details', async () => {
    await send(finished({ message: 'm'.repeat(10_000), data: { log: 'x'.repeat(100_000) } }), 0, settings)
    const input = runs()[0]?.input
    expect(JSON.stringify(input).length).toBeLessThan(8_000)
    const message = expect.stringMatching(/^m+…$/)
    expect(input).toMatchObject({ verdict: 'pass', isTruncated: true, data: {}, message })
  })
})

describe('An answer by event', () => {
  const settings = { answer: ['event'], token: undefined }
  const events = () => server.grail.events()

  it('says that the task started, and how it finished', async () => {
    const at = Date.UTC(2026, 10, 27, 1, 2, 3)
    await send({ kind: 'started', at }, 0, settings)
    await send({ ...finished({ result: 'fail', message: 'p95 is 900 ms' }), at }, 0, settings)
    const about = {
      'event.provider': 'cloud-automation-webhooks',
      'event.category': 'task',
      'task.id': task().id,
      'event.type': 'load-testing/start-test',
      'task.name': 'load_test',
      'execution.id': execution,
      stage: 'staging',
      service: 'checkout',
    }
    const [started, end] = server.calls.map(({ body }) => body)
    const time = '2026-11-27T01:02:03.000Z'
    const event = (kind: string) => ({ ...about, 'event.status': kind, 'event.id': `${task().id}-${kind}` })
    expect(started).toEqual([{ ...event('started'), start_time: time }])
    const result = { 'task.outcome': 'fail', message: 'p95 is 900 ms', end_time: time }
    expect(end).toEqual([{ ...event('finished'), ...result }])
  })

  it('is sent for observers only if the answer has another channel too, so a repeated answer does not repeat it', async () => {
    const both = { answer: ['event', 'resume'] }
    await send(finished(), 0, both)
    expect(events()).toEqual([])
    await send({ ...finished(), kind: 'finished', forObservers: true } as Answer, 0, both)
    expect(events()).toMatchObject([{ 'event.status': 'finished', 'task.outcome': 'pass' }])
  })
})

it('The secret answers by resume unless it says otherwise', () => {
  expect(dynatraceSecret.parse({ type: 'dynatrace', ...connection(server) }).answer).toEqual(['resume'])
})

it('The connection test works with an OAuth client', async () => {
  await connect({ token: undefined, ...server.oauth }).check()
  expect(requests()).toEqual(['POST /sso/oauth2/token', 'GET executions'])
})
