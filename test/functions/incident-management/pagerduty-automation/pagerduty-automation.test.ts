import { describe, expect, test } from '@jest/globals'
import { pagerdutyAutomation } from '../../../../functions/incident-management/pagerduty-automation/pagerduty-automation.ts'
import { jobConformance } from '../../../conformance/job.ts'
import { pagerdutyExample } from '../../../platforms/pagerduty.ts'
import { expectFailure } from '../../helpers.ts'
import { runbookActions } from '../runbook.ts'
import { incident, jobRow, restartApache } from './fake.ts'

const restart = { target: restartApache, parameters: { incident_id: incident } }
const start = (input: object = {}) => connected().start({ ...restart, ...input })
const link = `https://subdomain.pagerduty.com/incidents/${incident}`
const id = '01DBYD4A25RCXAXQDC9ZX0670V'

const noPlan = { error: { message: 'Account does not have the ability' } }
const host = { incident_id: incident, host: 'web1' }
const platform = jobRow
const { server, connected } = jobConformance(pagerdutyAutomation, runbookActions, platform, {
  states: {
    running: ['prepared', 'created', 'sent', 'queued', 'running', 'unknown'],
    pass: ['completed'],
    errored: ['error'],
    aborted: ['aborted'],
  },
  invalidStarts: [
    { name: 'no incident', input: { parameters: {} }, message: 'an action runs for an incident. Set its id' },
    { name: 'no parameters', input: { parameters: undefined }, message: 'an action runs for an incident. Set its id' },
    { name: 'a number as the incident', input: { parameters: { incident_id: 12 } }, message: 'must be an id such as' },
    { name: 'an unknown parameter', input: { parameters: host }, message: 'Actions take incident_id and alert_id' },
    { name: 'an invalid action', input: { target: 'restart/../apache' }, message: 'must be the id of an action' },
    { name: 'a project', input: { project: 'ops' }, message: 'actions have no project' },
    { name: 'a ref', input: { ref: 'main' }, message: 'actions have no versions' },
    {
      name: 'a stop at the deadline',
      input: { onDeadline: 'stop' },
      message: 'must be leave: PagerDuty cannot stop an invocation',
    },
  ],
  refusal: (reason) => ({ error: { message: reason } }),
  check: [{ path: '/users/me', headers: { authorization: expect.stringMatching(/^Token token=/) } }],
  refused: [
    {
      name: 'an unknown incident',
      input: { parameters: { incident_id: 'QNOSUCH' } },
      reason: '404 to GET /incidents/QNOSUCH: Not Found',
    },
    {
      name: 'an unknown action',
      input: { target: 'QNOSUCHACTION' },
      reason: '404 to POST /automation_actions/actions/QNOSUCHACTION',
    },
    {
      name: 'a missing permission',
      change: ({ state }) => Object.assign(state, { mayInvoke: false }),
      reason: '403 to POST',
    },
    {
      name: 'a missing plan feature',
      change: (server) => server.failNext(402, noPlan, { on: 'POST' }),
      reason: 'not have the ability',
    },
  ],
})

describe('PagerDuty Automation: start', () => {
  test('runs the action for the incident and returns a link to the incident', async () => {
    const { outcome } = await start()
    expect(outcome.message).toBe(`Started invocation ${id}. It is still running: use mode=interactive to wait`)
    expect(outcome.data).toMatchObject({ id, url: link })
    expect(server.calls.at(-1)).toMatchObject({
      path: `/automation_actions/actions/${restartApache}/invocations`,
      body: { invocation: { metadata: { incident_id: incident } } },
    })
  })

  test('accepts an alert', async () => {
    const parameters = { incident_id: incident, alert_id: 'Q1ALERT' }
    await start({ parameters })
    expect(server.calls.at(-1)?.body).toEqual({ invocation: { metadata: parameters } })
  })

  test('is retried if only the incident could not be read', async () => {
    server.failNext(503, undefined, { on: 'GET' })
    await expectFailure(start(), { transient: true, mayHaveWritten: false })
    await start()
    expect(server.state.invocations).toHaveLength(1)
  })
})

test('PagerDuty Automation: reads the example of the vendor', async () => {
  const input = { ...restart, thresholds: [{ metric: 'duration', op: '<', value: 5 }] }
  const ended = await connected().endAfter(input, () => server.failNext(200, pagerdutyExample('invocation')))
  expect(ended).toMatchObject({
    result: 'fail',
    message: `Invocation ${id} ended as completed: duration is 5, not < 5`,
    links: { [`pagerduty ${id}`]: link },
  })
})
