import { beforeEach, describe, expect, test } from '@jest/globals'
import { linear } from '../../../functions/issue-ticketing/providers/linear.ts'
import { refused, startLinear } from '../../../infra/platforms/linear.ts'
import { closeTicket, openTicket, updateTicket } from '../../../shared/providers/ticket-actions.ts'
import { ticketConformance } from '../../conformance/ticket.ts'
import { ticketPlatforms } from '../../e2e/platforms.ts'
import { clientOf, expectFailure, keyOf, problem, startEach } from '../helpers.ts'

const server = startEach(startLinear)

const client = (key: string | undefined = keyOf(1)) =>
  clientOf(linear, { baseUrl: server.url, token: server.token }, { key })
const open = (input = {}, key?: string) => openTicket.run(linear, client(key), { ...problem, project: 'ENG', ...input })
const update = (input: object) => updateTicket.run(linear, client(), { id: 'ENG-1', ...input })
const close = (input = {}) => closeTicket.run(linear, client(), { id: 'ENG-1', ...input })
const labels = () => server.state.issues[0]?.labels.map((id) => server.state.labels.find((one) => one.id === id)?.name)

describe('Linear: open', () => {
  test('stores title, description, priority, assignee and fields, with an id from the idempotency key', async () => {
    const input = { priority: 'critical', assignee: 'MIA@example.com', fields: { dueDate: '2026-12-24' } }
    const url = 'https://linear.app/acme/issue/ENG-1/checkout'
    expect(await open(input)).toMatchObject({ data: { id: 'ENG-1', number: 'ENG-1', url, state: 'Backlog' } })
    expect(server.state.issues).toMatchObject([
      {
        id: '00000000-0100-4000-8001-000000000100',
        title: 'Checkout fails',
        description: 'Since **14:03**.',
        priority: 1,
        assigneeId: server.state.users[0]?.id,
        dueDate: '2026-12-24',
      },
    ])
  })

  test('uses labels of any case, and creates missing ones', async () => {
    await open({ labels: ['shop', 'sev 1', 'sev 1'] })
    expect(labels()).toEqual(['Shop', 'sev 1'])
    await update({ labels: ['SEV 1', 'checkout'] })
    expect(server.state.labels.map(({ name }) => name)).toEqual(['Shop', 'sev 1', 'checkout'])
    expect(labels()).toContain('checkout')
  })

  test.each([
    [{ assignee: 'jdoe' }, 'Linear has no user "jdoe". Send the e-mail address of one user.'],
    [{ assignee: 'Mia Krystof' }, 'Linear has several users "Mia Krystof".'],
    [{ project: 'OPS' }, 'Linear shows no team with the key OPS.'],
    [{ title: '' }, 'title should not be empty.'],
  ])('creates nothing and reports why %j is refused', async (input, words) => {
    await expectFailure(open(input), 'refused', words)
    expect(server.state.issues).toEqual([])
  })

  test.each([[{ type: 'Bug' }], [{ priority: 'P1' }], [{ priority: '5' }]])('refuses %j', (input) => {
    expect(() => linear.checkInput(input)).toThrow(/input\.(type|priority)/)
  })
})

describe('Linear: states', () => {
  beforeEach(async () => {
    await open({}, keyOf(9))
  })

  test.each([
    [{ state: 'closed' }, 'Done'],
    [{ state: 'in progress' }, 'In Progress'],
    [{ state: 'shipped' }, 'Shipped'],
  ])('sets %j as %s', async (input, state) => {
    expect(await update(input)).toMatchObject({ data: { state } })
  })

  test.each([
    [undefined, 'Done'],
    ['canceled', 'Canceled'],
    ['Duplicate', 'Duplicate'],
  ])('closes with the resolution %s as %s', async (resolution, state) => {
    expect(await close({ resolution })).toMatchObject({ data: { state } })
  })

  test('reopens to the first unstarted state', async () => {
    await close()
    expect(await update({ state: 'open' })).toMatchObject({ data: { state: 'Todo' } })
  })

  test('refuses states that the team does not have, and open states as resolutions', async () => {
    await expectFailure(update({ state: 'Doing' }), 'refused', 'no state "Doing". Its states: Ready,')
    await expectFailure(close({ resolution: 'Todo' }), 'refused', 'Its states: Done, Shipped, Canceled, Duplicate.')
  })

  test('counts an unknown type of state as open', async () => {
    server.state.states.push({ id: 'new', name: 'Paused', type: 'paused', position: 9 })
    await update({ state: 'paused' })
    expect(await close()).toMatchObject({ message: 'Closed issue ENG-1 (Done)' })
  })
})

test('Linear: a rate limit with the status 400 can be retried', async () => {
  server.failNext(400, refused('Rate limit exceeded', 'RATELIMITED').body)
  await expectFailure(open(), { kind: 'platform', transient: true, mayHaveWritten: false })
})

test('Linear: sends an OAuth token with its scheme', () => {
  const at = { baseUrl: server.url, project: undefined }
  expect(linear.headers({ ...at, token: 'lin_oauth_x' })).toEqual({ authorization: 'Bearer lin_oauth_x' })
})

test('Linear: the connection test reports a missing team', async () => {
  const connection = { baseUrl: server.url, token: server.token, project: 'OPS' }
  await expectFailure(linear.check(clientOf(linear, connection)), 'refused', 'no team with the key OPS')
})

ticketConformance(linear, ticketPlatforms['issue-ticketing/linear'], {
  refusal: (reason) => refused(reason).body as object,
  defaults: { baseUrl: 'https://api.linear.app' },
  projects: { accepted: ['ENG', 'A1'], refused: ['eng', 'ENG-1', '1A', 'a/b'] },
})
