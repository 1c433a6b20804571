import { describe, expect, test } from '@jest/globals'
import { servicenow } from '../../../functions/incident-management/servicenow/servicenow.ts'
import { jira } from '../../../functions/issue-ticketing/jira/jira.ts'
import { slo } from '../../../functions/slo/index.ts'
import { ticketReport } from '../../../functions/slo/ticket-report.ts'
import { openTicket } from '../../../shared/providers/ticket-actions.ts'
import { adfText } from '../../platforms/adf.ts'
import { type JiraServer, startJira } from '../../platforms/jira.ts'
import { clientOf, keyOf, problem } from '../helpers.ts'
import { type ServiceNowServer, startServiceNow } from '../incident-management/servicenow/fake.ts'
import { hostile } from '../notification/messages.ts'
import { evaluated } from './drive.ts'
import { playReports } from './play.ts'

const bridge = 'https://keptn.example.com/bridge/project/shop/sequence/0f4a9d0e'
const title = 'Evaluation of checkout in shop/production ended with a warning (score 75)'
const parts = [`⚠️ ${title}`, 'Response time p95 (key)', '312.4', bridge]

describe('push-report to Jira', () => {
  const connection = ({ url, email, token }: JiraServer) => ({ baseUrl: url, email, token })
  const { server, push } = playReports(ticketReport(jira), {
    inputs: ['id', 'project'],
    refused: [
      { input: { id: undefined }, message: 'input.id is missing. Send the id of the ticket' },
      { input: { id: '../myself' }, message: 'input.id' },
    ],
    async start() {
      const server = await startJira()
      await openTicket.run(jira, clientOf(jira, connection(server), { key: keyOf(9) }), problem)
      server.calls.length = 0
      return server
    },
    connection,
    input: { id: 'OPS-1' },
    visible: ({ state }) => state.issues[0]?.comments.length ?? 0,
    refusal: (reason) => ({ errorMessages: [reason] }),
  })

  test('comments on the issue that the sequence opened and changes nothing else', async () => {
    const before = structuredClone(server.state.issues[0])
    const url = `${server.url}/browse/OPS-1`
    expect(await push()).toMatchObject({
      result: 'pass',
      message: `Reported "${title}" to Jira: a comment on issue OPS-1`,
      data: { id: 'OPS-1', url },
      links: { 'jira report': url },
    })
    for (const part of parts) expect(adfText(server.state.issues[0]?.comments[0]?.body)).toContain(part)
    expect({ ...server.state.issues[0], comments: [] }).toEqual(before)
  })
})

describe('push-report to ServiceNow', () => {
  const connection = ({ url, username, password }: ServiceNowServer) => ({ baseUrl: url, username, password })
  const { server, push } = playReports(ticketReport(servicenow), {
    inputs: ['id', 'project'],
    async start() {
      const server = await startServiceNow()
      const { project: _, ...incident } = problem
      const client = clientOf(servicenow, servicenow.connection.parse(connection(server)), { key: keyOf(9) })
      await openTicket.run(servicenow, client, incident)
      server.calls.length = 0
      return server
    },
    connection,
    input: { id: 'INC0010001' },
    visible: ({ state }) => state.incidents[0]?.journal.length ?? 0,
    refusal: (reason) => ({ error: { message: 'x', detail: reason }, status: 'failure' }),
  })
  const notes = () => server.state.incidents[0]?.journal.map(({ value }) => value)

  test('comments on the incident that the sequence opened', async () => {
    const message = `Reported "${title}" to ServiceNow: a comment on incident INC0010001`
    expect(await push()).toMatchObject({ message, data: { id: 'INC0010001' } })
    for (const part of parts) expect(notes()?.[0]).toContain(part)
  })

  test.each(hostile.filter((text) => text.length < 2_000).map((text) => [text.slice(0, 40), text]))(
    'posts one comment with its link: %j',
    async (_short, text) => {
      const indicatorResults = [{ ...evaluated.indicatorResults[0], displayName: text }]
      const data = { message: text, labels: { note: text }, evaluation: { ...evaluated, indicatorResults } }
      await push({ data })
      expect(notes()).toEqual([expect.stringContaining(`Open in the orchestrator: ${bridge}`)])
      expect(notes()?.[0]).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/)
    },
  )
})

test.each(['servicenow', 'jira'])('the category slo reports to %s', async (name) => {
  expect(await slo.providers[name]?.()).toMatchObject({ kind: 'report', supportedFields: ['id', 'project'] })
})
