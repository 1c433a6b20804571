import { basic, ticketRecipe, userOf } from '../../recipes/recipe.ts'
import type { Started } from '../program.ts'

export const trac = ticketRecipe({
  name: 'Trac',
  page: 'trac',
  category: 'issue-ticketing',
  values: userOf,
  open: { title: 'Checkout is slow', description: 'p95 is 3 s' },
  update: { title: 'Checkout is very slow', comment: 'Now 5 s' },
  close: { resolution: 'wontfix' },
  count: async (started) => (await rpc(started, 'ticket.query', ['max=0'])).length,
  refused: [['close-issue', { id: '999' }, /Ticket 999 does not exist/]],
  wrongCredentials: { placeholder: '<password>', message: /401|Unauthorized|credentials/i },
})

async function rpc({ url, details }: Started, method: string, params: unknown[]): Promise<unknown[]> {
  const response = await fetch(`${url}/login/rpc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...basic(details) },
    body: JSON.stringify({ method, params }),
  })
  return ((await response.json()) as { result: unknown[] }).result
}
