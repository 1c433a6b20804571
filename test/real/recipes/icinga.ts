import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { json } from 'node:stream/consumers'
import { basic, ticketRecipe, userOf } from '../../recipes/recipe.ts'
import type { Started } from '../program.ts'

export const icinga = ticketRecipe({
  name: 'Icinga 2',
  page: 'icinga',
  category: 'incident-management',
  values: (started) => ({ ...userOf(started), '<certificate>': certificateOf(started) }),
  open: { title: 'Checkout is slow', project: 'pay!slo' },
  update: { state: 'acknowledged', comment: 'On it' },
  close: { resolution: 'Fixed' },
  count: async (started) => checksOf(await get(started, '/v1/status/CIB')),
  refused: [
    ['open-ticket', { title: 'x', project: 'pay!nope' }, /No objects found/],
    // A service that is not a problem cannot be acknowledged.
    ['update-ticket', { id: 'pay!healthy', state: 'acknowledged' }, /Service pay!healthy is OK/],
  ],
  wrongCredentials: { placeholder: '<password>', message: /401|Unauthorized/i },
})

function certificateOf({ details }: Started): string {
  return readFileSync(String(details['ca']), 'utf8')
}

function checksOf(status: unknown): number {
  const { results } = status as { results: { status: { passive_service_checks_15min: number } }[] }
  return results[0]?.status.passive_service_checks_15min ?? 0
}

async function get(started: Started, path: string): Promise<unknown> {
  const { url, details } = started
  const headers = { ...basic(details), accept: 'application/json' }
  const sent = request(`${url}${path}`, { ca: certificateOf(started), headers })
  const [response] = await once(sent.end(), 'response')
  return json(response)
}
