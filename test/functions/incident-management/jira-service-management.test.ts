import { beforeEach, describe, expect, test } from '@jest/globals'
import { jiraServiceManagement } from '../../../functions/incident-management/providers/jira-service-management.ts'
import { adfText } from '../../../infra/platforms/adf.ts'
import { startJira } from '../../../infra/platforms/jira.ts'
import type { CallEvent } from '../../../shared/orchestrators/event.ts'
import { openTicket } from '../../../shared/providers/ticket-actions.ts'
import { ticketConformance } from '../../conformance/ticket.ts'
import { ticketPlatforms } from '../../e2e/platforms.ts'
import { expectFailure, keyOf, problem, startEach } from '../helpers.ts'
import { ticketActions } from './tickets.ts'

const server = startEach(startJira)
const fields = { urgencyField: 'customfield_10043', severityField: 'customfield_10048' }
const values = () => ({ baseUrl: server.url, email: server.email, token: server.token, ...fields })
const { check, open, update } = ticketActions(jiraServiceManagement, values, 'OPS-1', problem)
const issue = (at = 0) => {
  const found = server.state.issues[at]
  if (!found) throw new Error(`No issue ${at}`)
  return found
}
const calls = (method: string) => server.calls.filter((call) => call.method === method)

describe('Jira Service Management: connection', () => {
  test('the connection test reads the account', async () => {
    await check()
    expect(server.calls.map(({ path }) => path)).toEqual(['/rest/api/3/myself'])
  })
})

describe('Jira Service Management: open', () => {
  test('creates an incident and returns its id, key and link', async () => {
    expect(await open()).toMatchObject({
      result: 'pass',
      message: 'Opened incident OPS-1',
      data: { id: '10001', number: 'OPS-1', url: `${server.url}/browse/OPS-1`, state: 'To Do' },
      links: { 'jira-service-management OPS-1': `${server.url}/browse/OPS-1` },
    })
    expect(issue().fields).toMatchObject({
      issuetype: { name: '[System] Incident' },
      summary: 'Checkout fails',
      labels: [`caw-${keyOf(1)}`],
    })
    expect(adfText(issue().fields['description'])).toBe('Since 14:03.')
  })

  test('sets priority, urgency and severity in their fields', async () => {
    await open({ priority: 'critical', urgency: 'High', severity: 'medium' })
    expect(issue().fields).toMatchObject({
      priority: { name: 'Highest' },
      customfield_10043: { value: 'High' },
      customfield_10048: { value: 'Sev-2' },
    })
  })

  test.each([
    ['critical', 'Highest', 'Critical', 'Sev-0'],
    ['high', 'High', 'High', 'Sev-1'],
    ['medium', 'Medium', 'Medium', 'Sev-2'],
    ['low', 'Low', 'Low', 'Sev-3'],
  ])('maps %s to priority, urgency and severity', async (level, priority, urgency, severity) => {
    await open({ priority: level, urgency: level, severity: level })
    expect(issue().fields).toMatchObject({
      priority: { name: priority },
      customfield_10043: { value: urgency },
      customfield_10048: { value: severity },
    })
  })

  test('accepts options by name, and reports unknown ones', async () => {
    await open({ severity: 'Sev-0' })
    expect(issue().fields['customfield_10048']).toEqual({ value: 'Sev-0' })
    await expectFailure(
      open({ urgency: 'P1' }, { key: keyOf(2) }),
      { kind: 'refused', status: 422 },
      "customfield_10043: Option value 'P1' is not valid",
    )
  })

  test('accepts another type by name or id', async () => {
    await open({}, { connection: { type: '[System] Service request' } })
    await open({ type: '10005' }, { key: keyOf(2) })
    expect(issue(0).fields['issuetype']).toEqual({ name: '[System] Service request' })
    expect(issue(1).fields['issuetype']).toEqual({ id: '10005' })
  })

  test('refuses urgency and severity without a field in the connection', () => {
    const event = { data: {} } as CallEvent
    const { urgencyField: _, severityField: __, ...connection } = values()
    for (const scale of ['urgency', 'severity']) {
      const complete = (connection: Record<string, unknown>) =>
        openTicket.complete({ ...problem, [scale]: 'high' }, { event, connection, provider: jiraServiceManagement })
      expect(() => complete(connection)).toThrow(
        `input.${scale} has no field in Jira. Set ${scale}Field in the connection, or omit the ${scale}`,
      )
      expect(complete(values())).toMatchObject({ [scale]: 'high' })
    }
  })
})

describe('Jira Service Management: repeated open', () => {
  test('finds the incident after a lost response, before it is searchable', async () => {
    server.state.indexLag = 60_000
    server.loseNext('POST')
    await expectFailure(open(), { mayHaveWritten: true })
    expect(await open({}, { isRetry: true })).toMatchObject({ data: { number: 'OPS-1' } })
    expect(server.state.issues).toHaveLength(1)
  })
})

describe('Jira Service Management: update and close', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
    server.calls.length = 0
  })

  test('sets the given fields and keeps the others', async () => {
    await update({ severity: 'critical' })
    await update({ urgency: 'low', priority: 'low' })
    expect(issue().fields).toMatchObject({
      customfield_10043: { value: 'Low' },
      customfield_10048: { value: 'Sev-0' },
      priority: { name: 'Low' },
    })
    expect(calls('PUT')[0]?.body).toEqual({ fields: { customfield_10048: { value: 'Sev-0' } } })
  })
})

ticketConformance(jiraServiceManagement, ticketPlatforms['incident-management/jira-service-management'], {
  refusal: (reason) => ({ errorMessages: [reason] }),
  ignored: /issue\/\d+$/,
})
