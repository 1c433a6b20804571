import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { actions } from '../../../functions/incident-management/actions.ts'
import { pagerdutyAutomation } from '../../../functions/incident-management/providers/pagerduty-automation.ts'
import { pagerdutyExample } from '../../../infra/platforms/pagerduty.ts'
import {
  type AutomationServer,
  incident,
  restartApache,
  startPagerDutyAutomation,
} from '../../../infra/platforms/pagerduty-automation.ts'
import { parseEvent } from '../../../shared/orchestrators/event.ts'
import type { StartJob } from '../../../shared/providers/job.ts'
import { clientOf, failureOf } from '../helpers.ts'

let server: AutomationServer
beforeEach(async () => {
  server = await startPagerDutyAutomation()
})
afterEach(() => server.close())

type Options = Parameters<typeof clientOf>[2] & { connection?: object }

const runRunbook = actions['run-runbook']
const values = (more: object = {}) =>
  pagerdutyAutomation.connection.parse({ baseUrl: server.url, token: server.token, ...more })
const client = ({ connection, ...options }: Options = {}) => clientOf(pagerdutyAutomation, values(connection), options)
const defaults = { target: restartApache, parameters: { incident_id: incident } }
const inputOf = (input: object, connection: object = {}) =>
  runRunbook.complete(runRunbook.input.parse({ ...defaults, ...input }) as StartJob, {
    event: parseEvent({ id: 'an-event', data: {} }),
    connection: values(connection),
    provider: pagerdutyAutomation,
  })
const start = async (input: object = {}, options: Options = {}) => {
  const started = await runRunbook.run(pagerdutyAutomation, client(options), inputOf(input, options.connection))
  if (!('job' in started)) throw new Error('Nothing was started')
  return started
}
const getStatus = async (run: unknown, input: object = {}) =>
  runRunbook.job?.getStatus(pagerdutyAutomation, client(), inputOf(input), run)
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const link = `https://subdomain.pagerduty.com/incidents/${incident}`
const id = '01DBYD4A25RCXAXQDC9ZX0670V'

describe('PagerDuty Automation: connection', () => {
  test('the connection test reads the user of the key', async () => {
    await pagerdutyAutomation.check(client())
    expect(server.calls.map(({ path }) => path)).toEqual(['/users/me'])
    expect(server.calls[0]?.headers).toMatchObject({ authorization: `Token token=${server.token}` })
  })
})

describe('PagerDuty Automation: start', () => {
  test('runs the action for the incident and returns the invocation with a link to the incident', async () => {
    const { outcome, job } = await start()
    expect(job).toMatchObject({ id, url: link })
    expect(outcome).toMatchObject({
      result: 'warning',
      message: `Started invocation ${id}. It is still running: use mode=interactive to wait`,
      data: { id, url: link, state: 'started' },
      links: { [`pagerduty ${id}`]: link },
    })
    expect(calls('POST')[0]).toMatchObject({
      path: `/automation_actions/actions/${restartApache}/invocations`,
      body: { invocation: { metadata: { incident_id: incident } } },
    })
  })

  test('defaults to the action of the connection, and accepts an alert', async () => {
    const parameters = { incident_id: incident, alert_id: 'Q1ALERT' }
    await start({ target: undefined, parameters }, { connection: { target: restartApache } })
    expect(calls('POST')[0]?.body).toEqual({ invocation: { metadata: parameters } })
  })

  test.each([
    [
      'the incident does not exist',
      { parameters: { incident_id: 'QNOSUCH' } },
      '404 to GET /incidents/QNOSUCH: Not Found',
    ],
    ['the action does not exist', { target: 'QNOSUCHACTION' }, '404 to POST /automation_actions/actions/QNOSUCHACTION'],
  ])('reports the message of PagerDuty if %s', async (_, input, says) => {
    const failure = await failureOf(start(input))
    expect(failure).toMatchObject({ kind: 'refused', status: 422, message: expect.stringContaining(says) })
    expect(server.state.invocations).toEqual([])
  })

  test('reports a missing permission and a missing plan feature', async () => {
    server.state.mayInvoke = false
    expect((await failureOf(start())).message).toContain('403 to POST')
    server.failNext(402, { error: { message: 'Account does not have the ability' } }, { on: 'POST' })
    expect((await failureOf(start())).message).toContain('Account does not have the ability')
  })

  test.each([
    ['parameters.incident_id', { parameters: {} }, 'an action runs for an incident. Set its id'],
    ['parameters.incident_id', { parameters: undefined }, 'an action runs for an incident. Set its id'],
    ['parameters.incident_id', { parameters: { incident_id: 12 } }, 'must be an id such as'],
    [
      'parameters.host',
      { parameters: { incident_id: incident, host: 'web1' } },
      'Actions take incident_id and alert_id',
    ],
    ['target', { target: 'restart/../apache' }, 'must be the id of an action'],
    ['project', { project: 'ops' }, 'actions have no project'],
    ['ref', { ref: 'main' }, 'actions have no versions'],
    ['onDeadline', { onDeadline: 'stop' }, 'must be leave: PagerDuty cannot stop an invocation'],
  ])('is refused before it is accepted if %s is invalid', (path, input, says) => {
    const wrong = () => inputOf(input)
    expect(wrong).toThrow(expect.objectContaining({ kind: 'invalid', message: expect.stringContaining(says) }))
    expect(wrong).toThrow(expect.objectContaining({ errors: [expect.objectContaining({ path: `input.${path}` })] }))
  })

  test('is not retried after a lost response, because invocations cannot be found', async () => {
    server.loseNext('POST')
    const failure = await failureOf(start())
    expect(failure).toMatchObject({ kind: 'doubtful', transient: false })
    expect(failure.message).toContain('It is unknown whether an invocation was started')
    expect(await failureOf(start({}, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(server.state.invocations).toHaveLength(1)
  })

  test('is retried if only the incident could not be read', async () => {
    server.failNext(503, undefined, { on: 'GET' })
    expect(await failureOf(start())).toMatchObject({ transient: true, mayHaveWritten: false })
    await start()
    expect(server.state.invocations).toHaveLength(1)
  })
})

describe('PagerDuty Automation: getStatus', () => {
  test.each(['prepared', 'created', 'sent', 'queued', 'running', 'unknown'])('reports %s as running', async (state) => {
    const { job } = await start()
    Object.assign(server.state.invocations[0] ?? {}, { state })
    expect(await getStatus(job)).toMatchObject({ status: state })
  })

  test.each([
    ['completed', 'succeeded', 'pass'],
    ['error', 'errored', 'fail'],
    ['aborted', 'aborted', 'fail'],
  ])('maps %s to %s and %s', async (state, status, result) => {
    const { job } = await start()
    Object.assign(server.state.invocations[0] ?? {}, { state })
    expect(await getStatus(job)).toMatchObject({
      outcome: {
        status,
        result,
        message: `Invocation ${id} ended as ${state}`,
        data: { id, url: link, state, duration: 5 },
        links: { [`pagerduty ${id}`]: link },
      },
    })
  })

  test('does not treat an unknown state as an end', async () => {
    const { job } = await start()
    Object.assign(server.state.invocations[0] ?? {}, { state: 'paused' })
    expect(await getStatus(job)).toMatchObject({ status: 'paused (unknown state)' })
  })

  test('accepts the example of the vendor', async () => {
    server.failNext(200, pagerdutyExample('invocation'))
    const thresholds = [{ metric: 'duration', op: '<', value: 5 }]
    expect(await getStatus({ id }, { thresholds })).toMatchObject({
      outcome: { result: 'fail', message: `Invocation ${id} ended as completed: duration is 5, not < 5` },
    })
  })
})

describe('PagerDuty Automation: errors', () => {
  const requests = { start: () => start(), getStatus: () => getStatus({ id }).then() }

  for (const [name, send] of Object.entries(requests)) {
    test(`${name} can be retried after a 5xx response, an HTML page, a 429 response and a broken connection`, async () => {
      server.failNext(500, { error: { message: 'Internal Server Error', code: 2000 } })
      expect(await failureOf(send())).toMatchObject({ transient: true, message: expect.stringContaining('Internal') })
      server.failNext(200, '<html><title>Maintenance</title></html>')
      expect(await failureOf(send())).toMatchObject({ kind: 'platform', transient: true })
      server.failNext(429, undefined, { headers: { 'ratelimit-remaining': '0', 'ratelimit-reset': '17' } })
      expect(await failureOf(send())).toMatchObject({ transient: true, retryAfter: 17 })
      server.down()
      expect(await failureOf(send())).toMatchObject({ kind: 'platform', transient: true })
    })

    test(`${name} masks the token in the message of a 401 response`, async () => {
      server.failNext(401, `no ${server.token}`)
      expect(await failureOf(send())).toMatchObject({ kind: 'credentials', message: expect.stringContaining('no ***') })
    })
  }

  test('fails at the deadline if PagerDuty does not respond', async () => {
    server.hang()
    expect(await failureOf(start({}, { deadline: 500 }))).toMatchObject({ kind: 'timeout', transient: true })
  })
})
