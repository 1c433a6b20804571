import { describe, expect, test } from '@jest/globals'
import { closeTicket, openTicket, updateTicket } from '../../../shared/providers/ticket-actions.ts'
import { ticketConformance } from '../../conformance/ticket.ts'
import { clientOf, failureOf, keyOf, problem, startEach } from '../../functions/helpers.ts'
import { startAcme, ticketRow } from './fake.ts'
import { acme } from './provider.ts'

const server = startEach(startAcme)

const client = () => clientOf(acme, { baseUrl: server.url, token: server.token })

describe('A ticket in Acme', () => {
  test('is opened and returns its URL', async () => {
    expect(await openTicket.run(acme, client(), problem)).toMatchObject({
      message: 'Opened ticket T-1',
      data: { id: '1', number: 'T-1', url: 'https://acme.example.com/tickets/1', state: 'open' },
    })
    const { title, description, project } = problem
    expect(server.calls.at(-1)?.body).toEqual({ title, text: description, queue: project, ref: keyOf(1) })
  })

  test('is updated, commented on and closed', async () => {
    await openTicket.run(acme, client(), problem)
    const change = { id: '1', title: 'Slow', state: 'In progress', comment: 'Still slow' }
    expect(await updateTicket.run(acme, client(), change)).toMatchObject({ message: 'Updated ticket T-1, now working' })
    expect(server.tickets).toMatchObject([{ title: 'Slow', notes: [{ text: 'Still slow' }] }])
    const closed = await closeTicket.run(acme, client(), { id: '1', resolution: 'fixed' })
    expect(closed).toMatchObject({ message: 'Closed ticket T-1 (closed)' })
  })

  test('cannot get a status that Acme does not know', async () => {
    await openTicket.run(acme, client(), problem)
    const failure = await failureOf(updateTicket.run(acme, client(), { id: '1', state: 'Lost' }))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('unknown status') })
  })

  test('that does not exist is rejected with the reason of Acme', async () => {
    const failure = await failureOf(closeTicket.run(acme, client(), { id: 'not/there' }))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('unknown ticket') })
  })

  test('rejects input that Acme does not support', () => {
    expect(() => acme.checkInput({ labels: ['shop'], priority: 'high' })).toThrow('input.labels is not supported')
    expect(() => acme.checkInput({ title: 'Slow' })).not.toThrow()
  })
})

// Proves what every provider of tickets must do: repeated calls, lost responses, refusals, dry runs and secrets.
ticketConformance(acme, ticketRow)
