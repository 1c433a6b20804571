import { describe, expect, test } from '@jest/globals'
import { jiraServiceManagement } from '../../../../functions/incident-management/jira-service-management/jira-service-management.ts'
import type { CallEvent } from '../../../../shared/orchestrators/event/event.ts'
import { openTicket } from '../../../../shared/providers/ticket-actions.ts'
import { adfText } from '../../../platforms/adf.ts'
import { keyOf, problem } from '../../helpers.ts'
import { testTickets } from '../../tickets.ts'
import { ticketRow } from './fake.ts'

const scales = { urgencyField: 'customfield_10043', severityField: 'customfield_10048' }
const urgency = (value: string) => ({ customfield_10043: { value } })
const severity = (value: string) => ({ customfield_10048: { value } })
const priority = (name: string) => ({ priority: { name } })

const t = testTickets(ticketRow, jiraServiceManagement, {
  tickets: ({ state }) => state.issues,
  view: ({ fields }) => ({ ...fields, description: adfText(fields['description']) }),
  id: 'OPS-1',
  refusal: (reason) => ({ errorMessages: [reason] }),
  check: ['GET /rest/api/3/myself'],
  ignored: /issue\/\d+$/,
  opened: ({ url }) => ({ id: '10001', number: 'OPS-1', url: `${url}/browse/OPS-1`, state: 'To Do' }),
  opens: [
    {
      input: {},
      stored: { issuetype: { name: '[System] Incident' }, summary: 'Checkout fails', labels: [`caw-${keyOf(1)}`] },
    },
    { input: {}, stored: { description: 'Since 14:03.' } },
    {
      input: {},
      stored: { issuetype: { name: '[System] Service request' } },
      connection: { type: '[System] Service request' },
    },
    { input: { type: '10005' }, stored: { issuetype: { id: '10005' } } },
    {
      input: { priority: 'critical', urgency: 'High', severity: 'medium' },
      stored: { ...priority('Highest'), ...urgency('High'), ...severity('Sev-2') },
      connection: scales,
    },
    ...[
      ['critical', 'Highest', 'Critical', 'Sev-0'],
      ['high', 'High', 'High', 'Sev-1'],
      ['medium', 'Medium', 'Medium', 'Sev-2'],
      ['low', 'Low', 'Low', 'Sev-3'],
    ].map(([level, first = '', second = '', third = '']) => ({
      input: { priority: level, urgency: level, severity: level },
      stored: { ...priority(first), ...urgency(second), ...severity(third) },
      connection: scales,
    })),
    // The name of an option.
    { input: { severity: 'Sev-0' }, stored: severity('Sev-0'), connection: scales },
  ],
  refusedOpens: [
    { input: { urgency: 'P1' }, reason: "customfield_10043: Option value 'P1' is not valid", connection: scales },
  ],
})
const { update, calls } = t

test.each(['urgency', 'severity'])('Jira Service Management: %s needs a field in the connection', (scale) => {
  const complete = (connection: Record<string, unknown>) => {
    const at = { event: { data: {} } as CallEvent, connection, provider: jiraServiceManagement }
    return openTicket.complete({ ...problem, [scale]: 'high' }, at)
  }
  const message = `input.${scale} has no field in Jira. Set ${scale}Field in the connection, or omit the ${scale}`
  expect(() => complete({})).toThrow(message)
  expect(complete(scales)).toMatchObject({ [scale]: 'high' })
})

describe('Jira Service Management: update', () => {
  t.withTicket()

  test('sets the given fields and keeps the others', async () => {
    await update({ severity: 'critical' }, { connection: scales })
    await update({ urgency: 'low', priority: 'low' }, { connection: scales })
    expect(t.ticket().fields).toMatchObject({ ...urgency('Low'), ...severity('Sev-0'), ...priority('Low') })
    expect(calls('PUT')[0]?.body).toEqual({ fields: severity('Sev-0') })
  })
})
