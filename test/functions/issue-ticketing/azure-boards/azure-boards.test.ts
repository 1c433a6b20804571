import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { azureBoards } from '../../../../functions/issue-ticketing/azure-boards/azure-boards.ts'
import { serve } from '../../../../infra/testing/loopback-server.ts'
import { openTicket, updateTicket } from '../../../../shared/providers/ticket-actions.ts'
import { withState } from '../../../conformance/job.ts'
import { expectFailure, failureOf, keyOf, problem } from '../../helpers.ts'
import { testTickets } from '../../tickets.ts'
import { ticketRow } from './fake.ts'

const project = 'fabrikam/Fabrikam Fiber'
const ours = `${project}#297`
const html = '<p>Since <strong>14:03</strong>.</p>'
const [priority, severity] = ['Microsoft.VSTS.Common.Priority', 'Microsoft.VSTS.Common.Severity']
const tags = (text: string, call = 1) => ({ 'System.Tags': `${text}caw-${keyOf(call)}` })

const t = testTickets(ticketRow, azureBoards, {
  tickets: ({ state }) => state.items,
  view: ({ fields }) => fields,
  id: ours,
  // Azure DevOps shows its sign-in page with status 200.
  unexpectedBodies: { page: 'credentials', text: 'credentials' },
  defaults: { baseUrl: 'https://dev.azure.com', apiVersion: '7.1' },
  checks: [
    {
      connection: ({ entraToken: token }) => ({ token }),
      requests: [{ headers: { authorization: expect.stringMatching(/^Bearer /) } }],
    },
  ],
  projects: {
    accepted: [project, 'a/b', 'DefaultCollection/Über uns (2)'],
    refused: ['fabrikam', 'a/b/c', '../x', 'a/..', 'a/.', "a/b' OR 1=1", 'a/b#1', 'a/_x', 'a/b?c', 'a/b%2F'],
  },
  opened({ url }) {
    return { id: ours, number: '297', url: `${url}/fabrikam/Fabrikam%20Fiber/_workitems/edit/297`, state: 'New' }
  },
  opens: [
    { input: {}, stored: { 'System.WorkItemType': 'Task', 'System.Title': 'Checkout fails', ...tags('') } },
    { input: {}, stored: { 'System.Description': html } },
    { input: { type: 'bug' }, stored: { 'System.WorkItemType': 'Bug' } },
    // A bug has repro steps instead of a description.
    { input: {}, stored: { 'Microsoft.VSTS.TCM.ReproSteps': html }, connection: { type: 'Bug' } },
    { input: { assignee: 'mia@example.com' }, stored: { 'System.AssignedTo': 'mia@example.com' } },
    { input: { labels: ['sev 1', 'a;b,c', 'Own'] }, stored: tags('sev 1; a b c; Own; ') },
    {
      input: { labels: ['Own'], fields: { [severity]: '1 - Critical', 'System.Tags': 'own; more' } },
      stored: { [severity]: '1 - Critical', ...tags('Own; more; ') },
    },
    ...['critical', 'high', 'medium', 'low'].map((level, index) => ({
      input: { priority: level },
      stored: { [priority]: index + 1 },
    })),
    { input: { priority: '4' }, stored: { [priority]: 4 } },
  ],
  refusedOpens: [
    { input: { labels: ['x'] }, reason: 'TF401289', change: withState({ mayMakeTags: false }) },
    { input: { type: 'Epos', description: '' }, reason: 'VS402323: Work item type Epos does not exist' },
    { input: { project: 'fabrikam/Nope' }, reason: 'TF200016: The following project does not exist' },
    { input: { assignee: 'jdoe' }, reason: "'jdoe' for field 'Assigned To' is an unknown identity" },
    { input: { priority: 'P1' }, reason: "'Priority' contains the value 'P1'" },
    { input: { fields: { 'Custom.A/b': 1 } }, reason: 'TF51535: Cannot find field Custom.A~1b' },
  ],
  earlier: { labels: ['checkout'] },
  updates: [
    { changes: { title: 'Still\nfails' }, stored: { 'System.Title': 'Still fails', ...tags('checkout; ', 9) } },
    { changes: { description: '- a' }, stored: { 'System.Description': '<ul>\n<li>a</li>\n</ul>' } },
    {
      changes: { priority: 'low', assignee: 'Mia Krystof' },
      stored: { [priority]: 4, 'System.AssignedTo': 'Mia Krystof' },
    },
    {
      changes: { state: 'active', title: 'x' },
      stored: { 'System.State': 'Active', 'System.Title': 'x' },
    },
    // A state of the new type.
    {
      changes: { type: 'Bug', state: 'resolved' },
      stored: { 'System.WorkItemType': 'Bug', 'System.State': 'Resolved' },
    },
    { changes: { id: '#297', project, title: 'by number' }, stored: { 'System.Title': 'by number' } },
  ],
  refusedUpdates: [
    {
      input: { state: 'Frozen' },
      reason: 'Azure Boards has no state Frozen for work items of this type. States: New, Active, Closed, Removed.',
    },
    { input: { fields: { 'System.Title': '' } }, reason: 'TF401320' },
    { input: { id: `${project}#77`, title: 'x' }, reason: 'TF401232: Work item 77 does not exist' },
  ],
  refusedCloses: [
    {
      input: {},
      reason: 'Rule Error for field Completed Work',
      change: ({ failNext }) =>
        failNext(400, { message: 'TF401320: Rule Error for field Completed Work.' }, { on: 'PATCH' }),
    },
  ],
  states: [
    ['active', 'Open', 'Active'],
    ['active', 'closed', 'Closed'],
    ['Removed', 'closed', 'Removed'],
    ['Removed', 'open', 'New'],
  ],
  // The name of a closed state is accepted as the resolution. Others are the reason.
  closes: [
    { input: { resolution: 'removed' }, stored: { 'System.State': 'Removed' } },
    { input: { resolution: 'Duplicate' }, stored: { 'System.State': 'Closed', 'System.Reason': 'Duplicate' } },
  ],
})
const { server, client, open, update, ticket, count } = t

test.each([
  [undefined, '7.1', '7.1-preview.4'],
  ['7.0', '7.0', '7.0-preview.3'],
])('Azure Boards: the API version %s sends %s, and %s for comments', async (apiVersion, version, preview) => {
  await open({}, { connection: { apiVersion } })
  await update({ state: 'closed', comment: 'Done' }, { connection: { apiVersion } })
  const versionsOf = (isComment: boolean) => {
    const sent = server.calls.filter(({ path }) => path.endsWith('/comments') === isComment)
    return [...new Set(sent.map(({ query }) => query.get('api-version')))]
  }
  expect([versionsOf(false), versionsOf(true)]).toEqual([[version], [preview]])
})

test('Azure Boards: an open can be retried after its search failed, which wrote nothing', async () => {
  server.failNext(504, 'Gateway Time-out', { on: 'POST' })
  await expectFailure(open(), { transient: true, mayHaveWritten: false })
})

describe('Azure Boards: update', () => {
  t.withTicket()

  test.each([true, false])('keeps the tags if an add operation replaces tags (%s) or adds them', async (replaces) => {
    server.state.addReplacesTags = replaces
    await update({ labels: ['sev 1', 'CHECKOUT'], fields: { 'System.Tags': 'own' } })
    expect(ticket().fields['System.Tags']).toBe(`checkout; caw-${keyOf(9)}; sev 1; own`)
    await open({}, { key: keyOf(9) })
    expect(count()).toBe(1)
  })

  test('reads again after a concurrent change and keeps it', async () => {
    server.state.others = 2
    await update({ labels: ['sev 1'] })
    expect(ticket().fields['System.Tags']).toBe(`checkout; caw-${keyOf(9)}; other 2; other 3; sev 1`)
    server.state.others = 4
    await expectFailure(update({ labels: ['sev 2'] }), 'refused', 'VS403351')
  })

  test('finds the states of any process by category', async () => {
    const task = server.state.types.find(({ name }) => name === 'Task')
    task?.states.splice(0, 4, { name: 'To Do', category: 'InProgress' }, { name: 'Erledigt', category: 'Completed' })
    ticket().fields['System.State'] = 'To Do'
    expect(await update({ state: 'closed' })).toMatchObject({ data: { state: 'Erledigt' } })
    expect(await update({ state: 'open' })).toMatchObject({ data: { state: 'To Do' } })
  })

  test('adds a comment in HTML that ends with the idempotency key, and finds it on a later page', async () => {
    server.loseNext('POST')
    await failureOf(update({ comment: 'Still **down**' }))
    expect(ticket().comments[0]?.text).toBe(`<p>Still <strong>down</strong></p>\n<p>Ref: caw-${keyOf(1)}</p>`)
    for (let at = 0; at < 250; at++) ticket().comments.push({ id: 100 + at, text: '<p>Me too</p>' })
    await update({ comment: 'Still **down**' }, { isRetry: true })
    expect(ticket().comments).toHaveLength(251)
  })
})

/** Microsoft publishes no machine-readable contract: these are the responses in its documentation. */
describe('Azure Boards: documented responses', () => {
  const fixture = (name: string) =>
    JSON.parse(readFileSync(new URL(`../../../fixtures/azure-boards/${name}.json`, import.meta.url), 'utf8'))

  test('are accepted by the provider', async () => {
    const names: Record<string, string> = { states: 'states', fields: 'type-fields', wiql: 'query-result' }
    const documents = await serve(({ method, path }) => {
      const last = path.split('/').at(-1) ?? ''
      const name = last === 'comments' ? (method === 'POST' ? 'comment' : 'comments') : (names[last] ?? 'work-item')
      return { status: 200, body: fixture(name) }
    })
    const git = 'fabrikam/Fabrikam-Fiber-Git'
    const documented = client({ connection: { baseUrl: documents.url, project: git } })
    const data = { id: `${git}#299`, number: '299', state: 'Active' }
    try {
      expect(await openTicket.run(azureBoards, documented, { ...problem, project: git })).toMatchObject({ data })
      expect(await azureBoards.open(documented, { ...problem, project: git })).toMatchObject(data)
      const changes = { id: `${git}#299`, description: 'x', labels: ['a'], comment: 'y' }
      expect(await updateTicket.run(azureBoards, documented, changes)).toMatchObject({ data })
      // The documented work item is the same in every response.
      const moved = updateTicket.run(azureBoards, documented, { ...changes, state: 'Resolved' })
      await expectFailure(moved, {}, 'the work item 299 is Active, not Resolved')
    } finally {
      await documents.close()
    }
  })

  test.each([
    ['work-item', 'workitems/297'],
    ['states', 'workitemtypes/Task/states'],
    ['type-fields', 'workitemtypes/Task/fields'],
  ])('have the properties of the fake: %s', async (name, path) => {
    await open()
    await update({ comment: 'x' })
    const { body } = await client().http.get(`fabrikam/Fabrikam%20Fiber/_apis/wit/${path}?api-version=7.1`)
    const { fields, ...played } = body as Record<string, unknown>
    expect(typesIn(fixture(name))).toMatchObject(typesIn(played) as object)
    if (fields) expect(fixture(name).fields).toMatchObject({ 'System.State': expect.any(String) })
  })
})

/** Replaces each value with its type. */
function typesIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(typesIn)
  if (value === null || typeof value !== 'object') return typeof value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, typesIn(inner)]))
}
