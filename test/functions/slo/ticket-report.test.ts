import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { servicenow } from '../../../functions/incident-management/providers/servicenow.ts'
import { jira } from '../../../functions/issue-ticketing/providers/jira.ts'
import { slo } from '../../../functions/slo/index.ts'
import { ticketReport } from '../../../functions/slo/ticket-report.ts'
import { adfText } from '../../../infra/platforms/adf.ts'
import { type JiraServer, startJira } from '../../../infra/platforms/jira.ts'
import { type ServiceNowServer, startServiceNow } from '../../../infra/platforms/servicenow/server.ts'
import { openTicket } from '../../../shared/providers/ticket-actions.ts'
import { clientOf, expectFailure, failureOf, keyOf, problem } from '../helpers.ts'
import { hostile } from '../notification/messages.ts'
import { evaluated, report } from './drive.ts'

type Options = Parameters<typeof report>[3]

const bridge = 'https://keptn.example.com/bridge/project/shop/sequence/0f4a9d0e'
const title = 'Evaluation of checkout in shop/production ended with a warning (score 75)'

let jiraApp: JiraServer
let nowApp: ServiceNowServer
beforeEach(async () => {
  jiraApp = await startJira()
  nowApp = await startServiceNow()
  await openTicket.run(jira, clientOf(jira, jiraFields(), { key: keyOf(9) }), problem)
  const { project: _, ...incident } = problem
  const connection = servicenow.connection.parse(nowFields())
  await openTicket.run(servicenow, clientOf(servicenow, connection, { key: keyOf(9) }), incident)
})
afterEach(() => Promise.all([jiraApp.close(), nowApp.close()]))

const jiraReport = ticketReport(jira)
const serviceNowReport = ticketReport(servicenow)
const jiraFields = () => ({ baseUrl: jiraApp.url, email: jiraApp.email, token: jiraApp.token })
const nowFields = () => ({ baseUrl: nowApp.url, username: nowApp.username, password: nowApp.password })
const pushToJira = (input: object = { id: 'OPS-1' }, options: Options = {}) =>
  report(jiraReport, jiraFields(), input, options)
const pushToServiceNow = (input: object = { id: 'INC0010001' }, options: Options = {}) =>
  report(serviceNowReport, nowFields(), input, options)
const comments = () => jiraApp.state.issues[0]?.comments ?? []
const notes = () => nowApp.state.incidents[0]?.journal.map(({ value }) => value) ?? []

describe('push-report to a ticket provider', () => {
  test('comments on the issue that the sequence opened', async () => {
    const url = `${jiraApp.url}/browse/OPS-1`
    expect(await pushToJira()).toMatchObject({
      result: 'pass',
      message: `Reported "${title}" to Jira: a comment on issue OPS-1`,
      data: { id: 'OPS-1', url },
      links: { 'jira report': url },
    })
    const text = adfText(comments()[0]?.body)
    for (const part of [`⚠️ ${title}`, 'Response time p95 (key)', '312.4', bridge]) expect(text).toContain(part)
    expect(comments()).toHaveLength(1)
  })

  test('comments on the incident that the sequence opened', async () => {
    expect(await pushToServiceNow()).toMatchObject({
      message: `Reported "${title}" to ServiceNow: a comment on incident INC0010001`,
      data: { id: 'INC0010001' },
    })
    expect(notes()).toHaveLength(1)
    for (const part of [`⚠️ ${title}`, 'Response time p95 (key)', '312.4', bridge]) expect(notes()[0]).toContain(part)
  })

  test('changes nothing else', async () => {
    const before = structuredClone(jiraApp.state.issues[0])
    await pushToJira()
    expect({ ...jiraApp.state.issues[0], comments: [] }).toEqual(before)
  })

  test('comments once after a lost response', async () => {
    jiraApp.loseNext('POST')
    nowApp.loseNext('PATCH')
    for (const pushed of [pushToJira(), pushToServiceNow()])
      expect(await failureOf(pushed)).toMatchObject({ transient: true, mayHaveWritten: true })
    await pushToJira(undefined, { isRetry: true })
    await pushToServiceNow(undefined, { isRetry: true })
    expect([comments().length, notes().length]).toEqual([1, 1])
  })

  test('comments again for another event', async () => {
    await pushToJira()
    await pushToJira(undefined, { key: keyOf(2) })
    expect(comments()).toHaveLength(2)
  })

  test.each(hostile.filter((text) => text.length < 2_000).map((text) => [text.slice(0, 40), text]))(
    'posts one comment with its link: %j',
    async (_short, text) => {
      const [objective] = evaluated.indicatorResults
      const indicatorResults = [{ ...objective, displayName: text }]
      const data = { message: text, labels: { note: text }, evaluation: { ...evaluated, indicatorResults } }
      await pushToServiceNow(undefined, { data })
      expect(notes()).toHaveLength(1)
      expect(notes()[0]).toContain(`Open in the Bridge: ${bridge}`)
      expect(notes()[0]).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/)
    },
  )

  test.each([
    [{}, 'input.id is missing. Send the id of the ticket'],
    [{ id: '../myself' }, 'input.id'],
    [{ id: 'OPS-1', channel: 'x' }, 'input.channel is'],
    [{ id: 'OPS-1', ref: 'x' }, 'input.ref is'],
    [{ id: 'OPS-1', fields: { labels: ['x'] } }, 'input.fields is'],
  ])('refuses %j before anything is sent', async (input, message) => {
    const before = jiraApp.calls.length
    await expectFailure(pushToJira(input), 'invalid', message)
    expect(jiraApp.calls).toHaveLength(before)
  })

  test('shows the reason of the platform if the ticket does not exist', async () => {
    await expectFailure(pushToJira({ id: 'OPS-99' }), 'refused', 'Issue does not exist')
    expect(await failureOf(pushToServiceNow({ id: 'INC0099999' }))).toMatchObject({ kind: 'refused' })
  })

  test('can be retried if the platform is down, and does not show the password', async () => {
    nowApp.failNext(503, { error: { message: `busy ${nowApp.password}` } })
    const failure = await failureOf(pushToServiceNow())
    expect(failure).toMatchObject({ kind: 'platform' })
    expect(failure.message).not.toContain(nowApp.password)
    jiraApp.down()
    expect(await failureOf(pushToJira())).toMatchObject({ kind: 'platform' })
  })
})

describe('the category slo', () => {
  test('has report providers for ServiceNow and Jira', async () => {
    for (const name of ['servicenow', 'jira'])
      expect(await slo.providers[name]?.()).toMatchObject({ kind: 'report', supportedFields: ['id', 'project'] })
  })
})
