import { describe, expect, test } from '@jest/globals'
import { dynatraceGuardian } from '../../../../functions/slo/dynatrace-guardian/dynatrace-guardian.ts'
import { demo } from '../../../../infra/sandbox/platforms/sandbox/demo.ts'
import { evaluationConformance } from '../../../conformance/evaluation.ts'
import { type EnvironmentServer, startEnvironment } from '../../../platforms/dynatrace/environment-server.ts'
import { expectFailure } from '../../helpers.ts'
import type { EvaluateOptions } from '../drive.ts'
import { play, time } from '../play.ts'

const token = demo.dynatracePlatformToken
const { guardian: workflow } = demo.workflows
const input = { slo: 'Checkout' }
/** The ways to start a validation, and the fields of their connections. */
const ways = { workflow: { workflow }, 'business event': {}, 'lifecycle event': { guardian: 'lifecycle' } } as const

for (const [way, fields] of Object.entries(ways)) {
  describe(`Dynatrace Guardian by ${way}`, () => {
    const result = (word: string) => (at: { server: EnvironmentServer }) => {
      at.server.environment.guardian.result = word
    }
    evaluationConformance(dynatraceGuardian, {
      async start() {
        const server = await startEnvironment()
        server.environment.guardian.type = way.startsWith('lifecycle') ? 'lifecycle' : 'business'
        return { server, connection: { baseUrl: server.url, token, ...fields }, input: { ...time, ...input } }
      },
      refusal: (message) => ({ error: { code: 400, message } }),
      defaults: { scope: 'automation:workflows:run automation:workflows:read' },
      verdicts: {
        pass: { arrange: result('pass'), result: 'pass', value: 100 },
        info: { arrange: result('info'), result: 'pass', value: 100 },
        warning: { arrange: result('warning'), result: 'warning', value: 50 },
        fail: { arrange: result('fail'), result: 'fail', value: 0 },
      },
      gaps: {
        'the result error': { arrange: result('error'), message: 'the result of its validation is error' },
        'an unknown result': { arrange: result('new'), message: 'the result of its validation is new' },
      },
    })
  })
}

const connection = ({ url }: EnvironmentServer) => ({ baseUrl: url, token })
const { server, ask } = play(dynatraceGuardian, { start: startEnvironment, connection, input: { ...time, ...input } })
const run = (fields?: object, options?: EvaluateOptions) => ask({}, fields, { interactive: true, ...options })
const paths = () =>
  server.calls.map(({ method, path }) => `${method} ${path.replace(/^\/platform\/(?:\w+\/)*v\d\//, '')}`)

describe('Dynatrace Guardian by workflow', () => {
  test('runs the workflow once with the time, and reads its result when it has ended', async () => {
    server.environment.guardian.takes = 2
    const outcome = await run({ workflow }, { key: 'k'.repeat(40) })
    const [execution] = server.automation.executions()
    expect(execution).toMatchObject({
      workflow,
      input: {
        guardian: 'Checkout',
        project: 'shop',
        stage: 'production',
        service: 'checkout',
        timeframe: { from: '2025-11-24T10:00:00.000Z', to: '2025-11-24T10:05:00.000Z' },
        execution_context: { task: 'k'.repeat(40) },
      },
    })
    const read = `GET executions/${execution?.id}`
    expect(paths()).toEqual([`POST workflows/${workflow}/run`, read, read, read, `${read}/tasks`])
    const url = `${server.url}/ui/apps/dynatrace.automations/executions/${execution?.id}`
    expect(outcome).toMatchObject({ result: 'pass', links: { 'dynatrace-guardian slo': url } })
  })

  test('runs it once if the response was lost', async () => {
    server.loseNext('POST')
    await expectFailure(run({ workflow }), 'platform')
    expect(await run({ workflow }, { isRetry: true })).toMatchObject({ result: 'pass' })
    expect(server.automation.executions()).toHaveLength(1)
  })

  test.each(['ERROR', 'CANCELLED'])('is errored if the workflow ends with %s', async (state) => {
    server.failNext(200, { id: 'an-execution', state }, { on: 'GET' })
    expect(await run({ workflow })).toMatchObject({
      status: 'errored',
      result: 'fail',
      message: expect.stringContaining(`ended with ${state}`),
    })
  })

  test('is errored if the workflow has no guardian', async () => {
    server.failNext(200, {}, { on: ({ path }) => path.endsWith('/tasks') })
    const message = expect.stringContaining('ended without the result of a validation')
    expect(await run({ workflow })).toMatchObject({ status: 'errored', message })
  })
})

describe('Dynatrace Guardian by event', () => {
  test('sends a business event with the time and the context, and finds the result by the context', async () => {
    await run({}, { key: 'k'.repeat(40) })
    const [trigger, query] = server.calls
    expect(trigger).toMatchObject({
      headers: { 'content-type': 'application/cloudevent+json' },
      body: {
        specversion: '1.0',
        id: 'k'.repeat(40),
        type: 'guardian.validation.triggered',
        data: {
          guardian: 'Checkout',
          stage: 'production',
          service: 'checkout',
          'timeframe.from': '2025-11-24T10:00:00.000Z',
          'timeframe.to': '2025-11-24T10:05:00.000Z',
          execution_context: JSON.stringify({ task: 'k'.repeat(40) }),
        },
      },
    })
    expect(query?.body).toMatchObject({ query: expect.stringContaining('contains(toString(execution_context), "kkk') })
  })

  test('searches until the event of the result can be found', async () => {
    server.grail.late = 3
    expect(await run()).toMatchObject({ result: 'pass' })
    expect(paths().filter((path) => path === 'POST query:execute')).toHaveLength(4)
  })

  test('polls a query that takes longer, and starts it again if its result is gone', async () => {
    server.grail.takes = 2
    server.failNext(410, { error: { code: 410, message: 'gone' } }, { on: ({ path }) => path.endsWith('query:poll') })
    expect(await run()).toMatchObject({ result: 'pass' })
    const execute = 'POST query:execute'
    const poll = 'GET query:poll'
    expect(paths().slice(1)).toEqual([execute, poll, execute, poll, poll])
  })
})

test('Dynatrace Guardian validates one guardian per call', async () => {
  await expectFailure(ask({ slo: undefined, queries: { a: 'A', b: 'B' } }), 'invalid', 'must name one guardian')
})
