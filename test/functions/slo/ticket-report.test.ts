import { describe, expect, test } from '@jest/globals'
import { servicenow } from '../../../functions/incident-management/providers/servicenow.ts'
import { jira } from '../../../functions/issue-ticketing/providers/jira.ts'
import { slo } from '../../../functions/slo/index.ts'
import { ticketReport } from '../../../functions/slo/ticket-report.ts'
import { adfText } from '../../../infra/platforms/adf.ts'
import { startJira } from '../../../infra/platforms/jira.ts'
import { startServiceNow } from '../../../infra/platforms/servicenow/server.ts'
import { openTicket } from '../../../shared/providers/ticket-actions.ts'
import { reportConformance } from '../../conformance/report.ts'
import { clientOf, expectFailure, keyOf, problem } from '../helpers.ts'
import { hostile } from '../notification/messages.ts'
import { evaluated } from './drive.ts'
import { play } from './play.ts'

const bridge = 'https://keptn.example.com/bridge/project/shop/sequence/0f4a9d0e'
const title = 'Evaluation of checkout in shop/production ended with a warning (score 75)'
const jiraReport = ticketReport(jira)
const serviceNowReport = ticketReport(servicenow)

/** Starts Jira with one issue. */
async function jiraWithIssue() {
  const server = await startJira()
  const connection = { baseUrl: server.url, email: server.email, token: server.token }
  await openTicket.run(jira, clientOf(jira, connection, { key: keyOf(9) }), problem)
  server.calls.length = 0
  const comments = () => server.state.issues[0]?.comments ?? []
  return { server, connection, comments, input: { id: 'OPS-1' }, visible: () => comments().length }
}
/** Starts ServiceNow with one incident. */
async function serviceNowWithIncident() {
  const server = await startServiceNow()
  const connection = { baseUrl: server.url, username: server.username, password: server.password }
  const { project: _, ...incident } = problem
  const client = clientOf(servicenow, servicenow.connection.parse(connection), { key: keyOf(9) })
  await openTicket.run(servicenow, client, incident)
  server.calls.length = 0
  const notes = () => server.state.incidents[0]?.journal.map(({ value }) => value) ?? []
  return { server, connection, notes, input: { id: 'INC0010001' }, visible: () => notes().length }
}

reportConformance(jiraReport, {
  inputs: ['id', 'project'],
  refused: [
    [{ id: undefined }, 'input.id is missing. Send the id of the ticket'],
    [{ id: '../myself' }, 'input.id'],
  ],
  start: jiraWithIssue,
  refusal: (reason) => ({ errorMessages: [reason] }),
})
reportConformance(serviceNowReport, {
  inputs: ['id', 'project'],
  start: serviceNowWithIncident,
  refusal: (reason) => ({ error: { message: 'x', detail: reason }, status: 'failure' }),
})

describe('push-report to a ticket provider', () => {
  const { at: app, push: pushToJira } = play(jiraReport, jiraWithIssue)
  const { at: now, push: pushToServiceNow } = play(serviceNowReport, serviceNowWithIncident)
  const parts = [`⚠️ ${title}`, 'Response time p95 (key)', '312.4', bridge]

  test('comments on the issue that the sequence opened and changes nothing else', async () => {
    const before = structuredClone(app.server.state.issues[0])
    const url = `${app.server.url}/browse/OPS-1`
    expect(await pushToJira()).toMatchObject({
      ...{ result: 'pass', message: `Reported "${title}" to Jira: a comment on issue OPS-1` },
      ...{ data: { id: 'OPS-1', url }, links: { 'jira report': url } },
    })
    for (const part of parts) expect(adfText(app.comments()[0]?.body)).toContain(part)
    expect({ ...app.server.state.issues[0], comments: [] }).toEqual(before)
  })

  test('comments on the incident that the sequence opened', async () => {
    expect(await pushToServiceNow()).toMatchObject({
      ...{ message: `Reported "${title}" to ServiceNow: a comment on incident INC0010001`, data: now.input },
    })
    for (const part of parts) expect(now.notes()[0]).toContain(part)
  })

  test.each(hostile.filter((text) => text.length < 2_000).map((text) => [text.slice(0, 40), text]))(
    'posts one comment with its link: %j',
    async (_short, text) => {
      const indicatorResults = [{ ...evaluated.indicatorResults[0], displayName: text }]
      const data = { message: text, labels: { note: text }, evaluation: { ...evaluated, indicatorResults } }
      await pushToServiceNow({}, {}, { data })
      expect(now.notes()).toEqual([expect.stringContaining(`Open in the orchestrator: ${bridge}`)])
      expect(now.notes()[0]).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/)
    },
  )

  test('shows the reason of the platform if the ticket does not exist', async () => {
    await expectFailure(pushToJira({ id: 'OPS-99' }), 'refused', 'Issue does not exist')
    await expectFailure(pushToServiceNow({ id: 'INC0099999' }), 'refused')
  })
})

test.each(['servicenow', 'jira'])('the category slo reports to %s', async (name) => {
  expect(await slo.providers[name]?.()).toMatchObject({ kind: 'report', supportedFields: ['id', 'project'] })
})
