import { readFileSync } from 'node:fs'
import { request } from 'node:https'
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
  wrongCredentials: { placeholder: '<password>', words: /401|Unauthorized/i },
})

function certificateOf({ words }: Started): string {
  return readFileSync(String(words['ca']), 'utf8')
}

function checksOf(status: unknown): number {
  const { results } = status as { results: { status: { passive_service_checks_15min: number } }[] }
  return results[0]?.status.passive_service_checks_15min ?? 0
}

function get(started: Started, path: string): Promise<unknown> {
  const { url, words } = started
  return new Promise((resolve, reject) => {
    const headers = { ...basic(words), accept: 'application/json' }
    const sent = request(`${url}${path}`, { ca: certificateOf(started), headers }, async (response) => {
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk as Buffer)
      resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')))
    })
    sent.on('error', reject)
    sent.end()
  })
}
