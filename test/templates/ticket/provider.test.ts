import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { TicketProvider } from '../../../shared/providers/ticket.ts'
import { closeTicket, openTicket, updateTicket } from '../../../shared/providers/ticket-actions.ts'
import { clientOf, failureOf, keyOf, problem } from '../../functions/helpers.ts'
import { acme } from './provider.ts'
import { type AcmeServer, startAcme } from './server.ts'

let server: AcmeServer
beforeEach(async () => {
  server = await startAcme()
})
afterEach(() => server.close())

const provider: TicketProvider = acme
const client = (options: Parameters<typeof clientOf>[2] = {}, token = server.token) =>
  clientOf(provider, acme.connection.parse({ baseUrl: server.url, token }), options)
const open = (options?: Parameters<typeof clientOf>[2]) => openTicket.run(provider, client(options), problem)

describe('A ticket in Acme', () => {
  test('is opened and returns its URL', async () => {
    expect(await open()).toMatchObject({
      message: 'Opened ticket T-1',
      data: { id: '1', number: 'T-1', url: 'https://acme.example.com/tickets/1', state: 'open' },
    })
    expect(server.calls.at(-1)?.body).toEqual({
      title: problem.title,
      text: problem.description,
      queue: problem.project,
      ref: keyOf(1),
    })
  })

  test('is opened once: a retry finds it', async () => {
    server.loseNext('POST')
    expect(await failureOf(open())).toMatchObject({ transient: true, mayHaveWritten: true })
    expect(await open({ isRetry: true })).toMatchObject({
      message: 'Found ticket T-1, opened by an earlier attempt',
    })
    expect(server.tickets).toHaveLength(1)
  })

  test('is updated and commented on once', async () => {
    await open()
    const change = () =>
      updateTicket.run(provider, client(), { id: '1', title: 'Slow', state: 'working', comment: 'Still slow' })
    expect(await change()).toMatchObject({ message: 'Updated ticket T-1, now working' })
    await change()
    expect(server.tickets).toMatchObject([
      { title: 'Slow', text: problem.description, notes: [{ text: 'Still slow' }] },
    ])
  })

  test('is closed once, and passes if it is already closed', async () => {
    await open()
    const close = () => closeTicket.run(provider, client(), { id: '1', resolution: 'fixed' })
    expect(await close()).toMatchObject({ message: 'Closed ticket T-1 (closed)' })
    expect(await close()).toMatchObject({ message: 'The ticket T-1 was closed already (closed)' })
    expect(server.calls.filter(({ path }) => path.endsWith('/close'))).toHaveLength(1)
  })

  test('that does not exist is rejected with the reason of Acme', async () => {
    const failure = await failureOf(closeTicket.run(provider, client(), { id: 'not/there' }))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('there is no ticket') })
  })

  test('rejects input that Acme does not support', () => {
    expect(() => acme.checkInput({ labels: ['shop'], priority: 'high' })).toThrow('input.labels is not supported')
    expect(() => acme.checkInput({ title: 'Slow' })).not.toThrow()
  })
})

describe('Acme', () => {
  test.each([
    [422, 'refused'],
    [401, 'credentials'],
    [503, 'platform'],
  ])('reports the status %s as a failure of kind %s with its reason', async (status, kind) => {
    server.failNext(status, { message: 'not today' }, { on: 'POST' })
    expect(await failureOf(open())).toMatchObject({ kind, message: expect.stringContaining('not today') })
  })

  test('is retried if it is down or its response does not match', async () => {
    server.failNext(200, '<html>')
    expect(await failureOf(open())).toMatchObject({ transient: true })
    server.down()
    expect(await failureOf(open())).toMatchObject({ transient: true })
  })

  test('masks its token in messages', async () => {
    server.failNext(422, { message: `no ${server.token}` }, { on: 'POST' })
    expect((await failureOf(open())).message).toContain('no ***')
  })

  test('has a connection test that checks its credentials', async () => {
    await provider.check(client())
    const wrong = client({}, 'another-token-0123456789')
    expect(await failureOf(Promise.resolve(provider.check(wrong)))).toMatchObject({ kind: 'credentials' })
  })
})
