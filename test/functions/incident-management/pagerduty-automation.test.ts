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
import { secretsIn } from '../../../shared/fields.ts'
import { parseEvent } from '../../../shared/orchestrators/keptn/event.ts'
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
const asked = { target: restartApache, parameters: { incident_id: incident } }
const inputOf = (input: object, connection: object = {}) =>
  runRunbook.complete(runRunbook.input.parse({ ...asked, ...input }) as StartJob, {
    event: parseEvent({ id: 'an-event', data: {} }),
    connection: values(connection),
    provider: pagerdutyAutomation,
  })
const start = async (input: object = {}, options: Options = {}) => {
  const begun = await runRunbook.run(pagerdutyAutomation, client(options), inputOf(input, options.connection))
  if (!('job' in begun)) throw new Error('Nothing has begun')
  return begun
}
const look = async (run: unknown, input: object = {}) =>
  runRunbook.job?.getStatus(pagerdutyAutomation, client(), inputOf(input), run)
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const link = `https://subdomain.pagerduty.com/incidents/${incident}`
const id = '01DBYD4A25RCXAXQDC9ZX0670V'

describe('the connection', () => {
  test('is checked with the user of the key', async () => {
    await pagerdutyAutomation.check(client())
    expect(server.calls.map(({ path }) => path)).toEqual(['/users/me'])
    expect(server.calls[0]?.headers).toMatchObject({ authorization: `Token token=${server.token}` })
  })

  test('has its token masked wherever it turns up', () => {
    expect(secretsIn(pagerdutyAutomation.connection, values())).toEqual([server.token])
  })
})

describe('start', () => {
  test('runs the action for the incident and answers the invocation, with a link to the incident', async () => {
    const { outcome, job: pending } = await start()
    expect(pending).toMatchObject({ id, url: link })
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

  test('takes the action from the connection, and an alert', async () => {
    const parameters = { incident_id: incident, alert_id: 'Q1ALERT' }
    await start({ target: undefined, parameters }, { connection: { target: restartApache } })
    expect(calls('POST')[0]?.body).toEqual({ invocation: { metadata: parameters } })
  })

  test.each([
    [
      'the incident is not there',
      { parameters: { incident_id: 'QNOSUCH' } },
      '404 to GET /incidents/QNOSUCH: Not Found',
    ],
    ['the action is not there', { target: 'QNOSUCHACTION' }, '404 to POST /automation_actions/actions/QNOSUCHACTION'],
  ])('is refused in the words of PagerDuty where %s', async (_, input, says) => {
    const failure = await failureOf(start(input))
    expect(failure).toMatchObject({ kind: 'refused', status: 422, message: expect.stringContaining(says) })
    expect(server.state.invocations).toEqual([])
  })

  test('is refused where the key may not, and where the plan lacks it', async () => {
    server.state.mayInvoke = false
    expect((await failureOf(start())).message).toContain('403 to POST')
    server.failNext(402, { error: { message: 'Account does not have the ability' } }, { on: 'POST' })
    expect((await failureOf(start())).message).toContain('Account does not have the ability')
  })

  test.each([
    ['parameters.incident_id', { parameters: {} }, 'an action is run for an incident, so write its id'],
    ['parameters.incident_id', { parameters: undefined }, 'an action is run for an incident, so write its id'],
    ['parameters.incident_id', { parameters: { incident_id: 12 } }, 'no id'],
    ['parameters.host', { parameters: { incident_id: incident, host: 'web1' } }, 'it takes incident_id and alert_id'],
    ['target', { target: 'restart/../apache' }, 'write its id'],
    ['project', { project: 'ops' }, 'in no project'],
    ['ref', { ref: 'main' }, 'have no versions'],
    ['onDeadline', { onDeadline: 'stop' }, 'must be leave: PagerDuty cannot stop an invocation'],
  ])('is told at the door what is wrong with %s', (path, input, says) => {
    const wrong = () => inputOf(input)
    expect(wrong).toThrow(expect.objectContaining({ kind: 'invalid', message: expect.stringContaining(says) }))
    expect(wrong).toThrow(expect.objectContaining({ errors: [expect.objectContaining({ path: `input.${path}` })] }))
  })

  test('is not tried again after a lost answer, since nothing tells one invocation from another', async () => {
    server.loseNext('POST')
    const failure = await failureOf(start())
    expect(failure).toMatchObject({ kind: 'doubtful', transient: false })
    expect(failure.message).toContain('It is unknown whether an invocation was started')
    expect(await failureOf(start({}, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(server.state.invocations).toHaveLength(1)
  })

  test('is tried again where only the incident could not be read', async () => {
    server.failNext(503, undefined, { on: 'GET' })
    expect(await failureOf(start())).toMatchObject({ transient: true, mayHaveWritten: false })
    await start()
    expect(server.state.invocations).toHaveLength(1)
  })
})

describe('look', () => {
  test.each(['prepared', 'created', 'sent', 'queued', 'running', 'unknown'])(
    'goes on while it is %s',
    async (state) => {
      const { job: pending } = await start()
      Object.assign(server.state.invocations[0] ?? {}, { state })
      expect(await look(pending)).toMatchObject({ status: state })
    },
  )

  test.each([
    ['completed', 'succeeded', 'pass'],
    ['error', 'errored', 'fail'],
    ['aborted', 'aborted', 'fail'],
  ])('takes %s as %s and %s', async (state, status, result) => {
    const { job: pending } = await start()
    Object.assign(server.state.invocations[0] ?? {}, { state })
    expect(await look(pending)).toMatchObject({
      outcome: {
        status,
        result,
        message: `Invocation ${id} ended as ${state}`,
        data: { id, url: link, state, duration: 5 },
        links: { [`pagerduty ${id}`]: link },
      },
    })
  })

  test('never takes a state that it does not know for an end', async () => {
    const { job: pending } = await start()
    Object.assign(server.state.invocations[0] ?? {}, { state: 'paused' })
    expect(await look(pending)).toMatchObject({ status: 'paused (unknown state)' })
  })

  test("takes the vendor's own example", async () => {
    server.failNext(200, pagerdutyExample('invocation'))
    const thresholds = [{ metric: 'duration', op: '<', value: 5 }]
    expect(await look({ id }, { thresholds })).toMatchObject({
      outcome: { result: 'fail', message: `Invocation ${id} ended as completed: duration is 5, not < 5` },
    })
  })
})

describe('where PagerDuty fails', () => {
  const asks = { start: () => start(), look: () => look({ id }).then() }

  for (const [name, ask] of Object.entries(asks)) {
    test(`${name} can be tried again after a 5xx, a page, a limit and a connection that breaks`, async () => {
      server.failNext(500, { error: { message: 'Internal Server Error', code: 2000 } })
      expect(await failureOf(ask())).toMatchObject({ transient: true, message: expect.stringContaining('Internal') })
      server.failNext(200, '<html><title>Maintenance</title></html>')
      expect(await failureOf(ask())).toMatchObject({ kind: 'platform', transient: true })
      server.failNext(429, undefined, { headers: { 'ratelimit-remaining': '0', 'ratelimit-reset': '17' } })
      expect(await failureOf(ask())).toMatchObject({ transient: true, retryAfter: 17 })
      server.down()
      expect(await failureOf(ask())).toMatchObject({ kind: 'platform', transient: true })
    })

    test(`${name} says that a token is wrong, and not which`, async () => {
      server.failNext(401, `no ${server.token}`)
      expect(await failureOf(ask())).toMatchObject({ kind: 'credentials', message: expect.stringContaining('no ***') })
    })
  }

  test('it is not waited for longer than there is time', async () => {
    server.hang()
    expect(await failureOf(start({}, { deadline: 500 }))).toMatchObject({ kind: 'timeout', transient: true })
  })
})
