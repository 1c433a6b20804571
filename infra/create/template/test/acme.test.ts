import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTicket, updateTicket } from 'cloud-automation-webhooks'
import { clientOf, problem, ticketConformance } from 'cloud-automation-webhooks/testing'
import { acme } from '../functions/issue-ticketing/providers/acme.ts'
import { startAcme } from './acme-server.ts'

// Proves what every provider of tickets must do: repeated calls, lost responses, refusals, dry runs and secrets.
ticketConformance(acme, {
  async start() {
    const server = await startAcme()
    return { server, connection: { baseUrl: server.url, token: server.token }, made: () => server.tickets.length }
  },
  unknownId: '4711',
})

test('A state of a caller becomes the status of Acme', async (context) => {
  const server = await startAcme()
  context.after(() => server.close())
  const client = () => clientOf(acme, { baseUrl: server.url, token: server.token })
  const update = (state: string) => updateTicket.run(acme, client(), { id: '1', state })
  await openTicket.run(acme, client(), problem)
  assert.equal((await update('In progress')).message, 'Updated ticket T-1, now working')
  assert.equal(server.tickets[0]?.status, 'working')
  await assert.rejects(update('Lost'), /unknown status/)
})
