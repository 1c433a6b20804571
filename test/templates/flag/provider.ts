import * as z from 'zod/mini'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineFlagProvider, type FlagLocation } from '../../../shared/providers/flag.ts'

/** As much of an answer as we need; another shape is a fault of the platform, which is retried. */
const answered = z.object({
  enabled: z.boolean(),
  rollout: z.number(),
  links: z.object({ html: z.string() }),
})

/**
 * Acme: its flags.
 *
 * @see https://acme.example.com/api/flags
 */
export const acme = defineFlagProvider({
  title: 'Acme',
  connection: z.strictObject({
    baseUrl: url('Where the API of Acme is: https://acme.example.com/api'),
    token: secret('A token that may read and change flags'),
    environment: optional(word('Default environment')),
  }),
  headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
  check: ({ http }) => http.get('me'),
  project: undefined,

  async get({ http }, place, name) {
    const { enabled, rollout, links } = (await http.get(pathOf(place, name), { schema: answered })).body
    return { on: enabled, percentage: rollout, url: links.html }
  },

  // What was set is read back by the action; setting it twice changes nothing, so a repeat needs no more.
  async set({ http }, place, [change]) {
    if (change) await http.patch(pathOf(place, change.flag), { enabled: change.on, rollout: change.percentage })
    return undefined
  },
})

/** Whatever a name holds, it stays one part of the path. */
function pathOf({ environment }: FlagLocation, name: string): string {
  return `environments/${segment(environment)}/flags/${segment(name)}`
}
