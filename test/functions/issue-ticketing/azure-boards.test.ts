import { readFileSync } from 'node:fs'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { azureBoards } from '../../../functions/issue-ticketing/providers/azure-boards.ts'
import { startAzureBoards } from '../../../infra/platforms/azure-boards.ts'
import { serve } from '../../../infra/platforms/loopback-server.ts'
import { closeTicket, openTicket, updateTicket } from '../../../shared/providers/ticket-actions.ts'
import { ticketConformance } from '../../conformance/ticket.ts'
import { ticketPlatforms } from '../../e2e/platforms.ts'
import { type ClientOptions, clientOf, expectFailure, failureOf, keyOf, problem, startEach } from '../helpers.ts'

const server = startEach(startAzureBoards)

type Options = ClientOptions & { token?: string; type?: string; apiVersion?: string }

const project = 'fabrikam/Fabrikam Fiber'
const ours = `${project}#297`
const fiber = { ...problem, project }
const client = ({ token = server.token, type, apiVersion, ...options }: Options = {}) =>
  clientOf(
    azureBoards,
    azureBoards.connection.parse({ baseUrl: server.url, token, project, type, apiVersion }),
    options,
  )
const open = (input = {}, options?: Options) => openTicket.run(azureBoards, client(options), { ...fiber, ...input })
const update = (input: object, options?: Options) =>
  updateTicket.run(azureBoards, client(options), { id: ours, ...input })
const close = (input = {}, options?: Options) => closeTicket.run(azureBoards, client(options), { id: ours, ...input })
const item = (at = 0) => {
  const found = server.state.items[at]
  if (!found) throw new Error(`No work item ${at}`)
  return found
}
/** Returns the requests that created or changed a work item. */
const written = () => server.calls.filter(({ headers }) => headers['content-type'] === 'application/json-patch+json')

describe('Azure Boards: connection', () => {
  test.each([
    [undefined, '7.1', '7.1-preview.4'],
    ['7.0', '7.0', '7.0-preview.3'],
  ])('the API version %s sends %s, and %s for comments', async (apiVersion, version, preview) => {
    await open({}, { apiVersion })
    await update({ state: 'closed', comment: 'Done' }, { apiVersion })
    const versionsOf = (isComment: boolean) =>
      server.calls
        .filter(({ path }) => path.endsWith('/comments') === isComment)
        .map(({ query }) => query.get('api-version'))
    expect(new Set(versionsOf(false))).toEqual(new Set([version]))
    expect(new Set(versionsOf(true))).toEqual(new Set([preview]))
  })

  test('sends a token of Microsoft Entra as a bearer token', async () => {
    await azureBoards.check(client({ token: server.entraToken }))
    expect(server.calls[0]?.headers['authorization']).toBe(`Bearer ${server.entraToken}`)
  })

  test.each([
    ['open', (wrong: Options) => open({}, wrong)],
    ['update', (wrong: Options) => update({ title: 'x' }, wrong)],
    ['close', (wrong: Options) => close({}, wrong)],
  ])('treats a sign-in page with status 200 as invalid credentials: %s', async (_what, act) => {
    server.state.showsSignIn = true
    await expectFailure(act({ token: 'a-wrong-token-of-azure-devops' }), 'credentials')
  })
})

describe('Azure Boards: open', () => {
  test.each<[object, object, Options?]>([
    [{}, { 'System.WorkItemType': 'Task', 'System.Title': 'Checkout fails', 'System.Tags': `caw-${keyOf(1)}` }],
    [{}, { 'System.Description': '<p>Since <strong>14:03</strong>.</p>' }],
    [{ type: 'bug' }, { 'System.WorkItemType': 'Bug' }],
    // A bug has repro steps instead of a description.
    [{}, { 'Microsoft.VSTS.TCM.ReproSteps': '<p>Since <strong>14:03</strong>.</p>' }, { type: 'Bug' }],
    [{ assignee: 'mia@example.com' }, { 'System.AssignedTo': 'mia@example.com' }],
    [{ labels: ['sev 1', 'a;b,c', 'Own'] }, { 'System.Tags': `sev 1; a b c; Own; caw-${keyOf(1)}` }],
    [
      { labels: ['Own'], fields: { 'Microsoft.VSTS.Common.Severity': '1 - Critical', 'System.Tags': 'own; more' } },
      { 'Microsoft.VSTS.Common.Severity': '1 - Critical', 'System.Tags': `Own; more; caw-${keyOf(1)}` },
    ],
    ...['critical', 'high', 'medium', 'low'].map((priority, at): [object, object] => [
      { priority },
      { 'Microsoft.VSTS.Common.Priority': at + 1 },
    ]),
    [{ priority: '4' }, { 'Microsoft.VSTS.Common.Priority': 4 }],
  ])('stores %j as %j', async (input, fields, options = {}) => {
    const url = `${server.url}/fabrikam/Fabrikam%20Fiber/_workitems/edit/297`
    expect(await open(input, options)).toMatchObject({ data: { id: ours, number: '297', url, state: 'New' } })
    expect(item().fields).toMatchObject(fields)
  })

  test.each([
    ['an unknown type', { type: 'Epos', description: '' }, 'VS402323: Work item type Epos does not exist'],
    ['an unknown project', { project: 'fabrikam/Nope' }, 'TF200016: The following project does not exist'],
    ['an unknown assignee', { assignee: 'jdoe' }, "'jdoe' for field 'Assigned To' is an unknown identity"],
    ['an unknown priority', { priority: 'P1' }, "'Priority' contains the value 'P1'"],
    ['an unknown field', { fields: { 'Custom.A/b': 1 } }, 'TF51535: Cannot find field Custom.A~1b'],
  ])('reports the message of Azure Boards for %s', async (_, input, reason) => {
    await expectFailure(open(input, { key: undefined }), 'refused', reason)
    expect(server.state.items).toEqual([])
  })

  test('reports that the user cannot create tags', async () => {
    server.state.mayMakeTags = false
    await expectFailure(open(), 'refused', 'TF401289')
  })
})

describe('Azure Boards: repeated open', () => {
  test('finds the work item after a lost response', async () => {
    server.failNext(504, 'Gateway Time-out', { on: 'POST' })
    expect(await failureOf(open())).toMatchObject({ transient: true, mayHaveWritten: false })
    server.loseNext('POST')
    expect(await failureOf(azureBoards.open(client(), fiber))).toMatchObject({ transient: true, mayHaveWritten: true })
    expect(await open({}, { isRetry: true })).toMatchObject({ message: expect.stringContaining('Found') })
    expect(server.state.items).toHaveLength(1)
  })
})

describe('Azure Boards: update', () => {
  beforeEach(async () => {
    await open({ labels: ['checkout'] }, { key: keyOf(9) })
    server.calls.length = 0
  })

  for (const addReplacesTags of [true, false]) {
    test(`keeps the tags if an add operation ${addReplacesTags ? 'replaces' : 'adds'} tags`, async () => {
      server.state.addReplacesTags = addReplacesTags
      await update({ labels: ['sev 1', 'CHECKOUT'], fields: { 'System.Tags': 'own' } })
      expect(item().fields['System.Tags']).toBe(`checkout; caw-${keyOf(9)}; sev 1; own`)
      await open({}, { key: keyOf(9) })
      expect(server.state.items).toHaveLength(1)
    })
  }

  test.each([
    [{ title: 'Still\nfails' }, { 'System.Title': 'Still fails', 'System.Tags': `checkout; caw-${keyOf(9)}` }],
    [{ description: '- a' }, { 'System.Description': '<ul>\n<li>a</li>\n</ul>' }],
    [
      { priority: 'low', assignee: 'Mia Krystof' },
      { 'Microsoft.VSTS.Common.Priority': 4, 'System.AssignedTo': 'Mia Krystof' },
    ],
    [
      { state: 'active', title: 'x' },
      { 'System.State': 'Active', 'System.Title': 'x' },
    ],
    // A state of the new type.
    [
      { type: 'Bug', state: 'resolved' },
      { 'System.WorkItemType': 'Bug', 'System.State': 'Resolved' },
    ],
    [{ id: '#297', project, title: 'by number' }, { 'System.Title': 'by number' }],
  ])('changes %j in one request', async (changes, fields) => {
    expect(await update(changes)).toMatchObject({ data: { id: ours } })
    expect(item().fields).toMatchObject({ 'System.Title': 'Checkout fails', ...fields })
    expect(written()).toHaveLength(1)
  })

  test('reads again after a concurrent change and keeps it', async () => {
    server.state.others = 2
    await update({ labels: ['sev 1'] })
    expect(item().fields['System.Tags']).toBe(`checkout; caw-${keyOf(9)}; other 2; other 3; sev 1`)
    server.state.others = 4
    await expectFailure(update({ labels: ['sev 2'] }), 'refused', 'VS403351')
  })

  test('closes and reopens by category, and does nothing if already in that state', async () => {
    await update({ state: 'active' })
    expect(await update({ state: 'Open' })).toMatchObject({ data: { state: 'Active' } })
    expect(await update({ state: 'closed' })).toMatchObject({ data: { state: 'Closed' } })
    await update({ state: 'Removed' })
    expect(await update({ state: 'closed' })).toMatchObject({ data: { state: 'Removed' } })
    expect(await update({ state: 'open' })).toMatchObject({ data: { state: 'New' } })
    expect(written()).toHaveLength(4)
  })

  test('finds the states of any process by category', async () => {
    const task = server.state.types.find(({ name }) => name === 'Task')
    task?.states.splice(0, 4, { name: 'To Do', category: 'InProgress' }, { name: 'Erledigt', category: 'Completed' })
    item().fields['System.State'] = 'To Do'
    expect(await update({ state: 'closed' })).toMatchObject({ data: { state: 'Erledigt' } })
    expect(await update({ state: 'open' })).toMatchObject({ data: { state: 'To Do' } })
  })

  test.each([
    [
      { state: 'Frozen' },
      'Azure Boards has no state Frozen for work items of this type. States: New, Active, Closed, Removed.',
    ],
    [{ fields: { 'System.Title': '' } }, 'TF401320'],
    [{ id: `${project}#77`, title: 'x' }, 'TF401232: Work item 77 does not exist'],
  ])('reports why %j is refused', async (changes, words) => {
    await expectFailure(update(changes), 'refused', words)
  })
})

describe('Azure Boards: comment', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
  })

  test('is HTML and ends with the idempotency key', async () => {
    await update({ comment: 'Still **down**' })
    expect(item().comments[0]?.text).toBe(`<p>Still <strong>down</strong></p>\n<p>Ref: caw-${keyOf(1)}</p>`)
  })

  test('is found after a lost response, on a later page', async () => {
    server.loseNext('POST')
    await failureOf(update({ comment: 'x' }))
    for (let at = 0; at < 250; at++) item().comments.push({ id: 100 + at, text: '<p>Me too</p>' })
    await update({ comment: 'x' }, { isRetry: true })
    expect(item().comments).toHaveLength(251)
  })
})

describe('Azure Boards: close', () => {
  beforeEach(async () => {
    await open({}, { key: keyOf(9) })
    server.calls.length = 0
  })

  test('accepts the name of a closed state as resolution, else sends it as the reason', async () => {
    expect(await close({ resolution: 'removed' })).toMatchObject({ data: { state: 'Removed' } })
    await open({}, { key: keyOf(8) })
    await close({ id: `${project}#298`, resolution: 'Duplicate' })
    expect(item(1).fields).toMatchObject({ 'System.State': 'Closed', 'System.Reason': 'Duplicate' })
  })

  test('reports the rule of the process that refuses it', async () => {
    const message = 'TF401320: Rule Error for field Completed Work. Error code: Required.'
    server.failNext(400, { message }, { on: 'PATCH' })
    await expectFailure(close(), 'refused', 'Rule Error for field Completed Work')
  })
})

/** Microsoft publishes no machine-readable contract: these are the responses in its documentation. */
describe('Azure Boards: documented responses', () => {
  const fixture = (name: string) =>
    JSON.parse(readFileSync(new URL(`../../fixtures/azure-boards/${name}.json`, import.meta.url), 'utf8'))

  test('are accepted by the provider', async () => {
    const names: Record<string, string> = { states: 'states', fields: 'type-fields', wiql: 'query-result' }
    const shown = await serve(({ method, path }) => {
      const last = path.split('/').at(-1) ?? ''
      const name = last === 'comments' ? (method === 'POST' ? 'comment' : 'comments') : (names[last] ?? 'work-item')
      return { status: 200, body: fixture(name) }
    })
    const git = 'fabrikam/Fabrikam-Fiber-Git'
    const values = azureBoards.connection.parse({ baseUrl: shown.url, token: server.token, project: git })
    const documented = clientOf(azureBoards, values)
    const data = { id: `${git}#299`, number: '299', state: 'Active' }
    try {
      expect(await openTicket.run(azureBoards, documented, { ...problem, project: git })).toMatchObject({ data })
      expect(await azureBoards.open(documented, { ...problem, project: git })).toMatchObject(data)
      const changes = { id: `${git}#299`, description: 'x', labels: ['a'], comment: 'y' }
      expect(await updateTicket.run(azureBoards, documented, changes)).toMatchObject({ data })
      // The documented work item is the same in every response.
      const moved = updateTicket.run(azureBoards, documented, { ...changes, state: 'Resolved' })
      expect((await failureOf(moved)).message).toContain('the work item 299 is Active, not Resolved')
    } finally {
      await shown.close()
    }
  })

  test('have the properties of the fake', async () => {
    await open()
    await update({ comment: 'x' })
    const read = async (path: string) => {
      const { body } = await client().http.get(`fabrikam/Fabrikam%20Fiber/_apis/wit/${path}`)
      return body as Record<string, unknown>
    }
    const typesIn = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.slice(0, 1).map(typesIn)
      if (value === null || typeof value !== 'object') return typeof value
      return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, typesIn(inner)]))
    }
    const version = 'api-version=7.1'
    for (const [name, path] of Object.entries({
      'work-item': `workitems/297?${version}`,
      states: `workitemtypes/Task/states?${version}`,
      'type-fields': `workitemtypes/Task/fields?${version}`,
    })) {
      const { fields, ...played } = await read(path)
      expect(typesIn(fixture(name))).toMatchObject(typesIn(played) as object)
      if (fields) expect(fixture(name).fields).toMatchObject({ 'System.State': expect.any(String) })
    }
  })
})

ticketConformance(azureBoards, ticketPlatforms['issue-ticketing/azure-boards'], {
  // Azure DevOps shows its sign-in page with status 200.
  unexpectedBodies: { page: 'credentials', text: 'credentials' },
  defaults: { baseUrl: 'https://dev.azure.com', apiVersion: '7.1' },
  projects: {
    accepted: [project, 'a/b', 'DefaultCollection/Über uns (2)'],
    refused: ['fabrikam', 'a/b/c', '../x', 'a/..', 'a/.', "a/b' OR 1=1", 'a/b#1', 'a/_x', 'a/b?c', 'a/b%2F'],
  },
})
