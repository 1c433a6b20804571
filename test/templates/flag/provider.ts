import * as z from 'zod/mini'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineFlagProvider, type FlagLocation } from '../../../shared/providers/flag.ts'

/** Only the fields that we need. A response that does not match is the platform's fault and is retried. */
const answered = z.object({
  enabled: z.boolean(),
  rollout: z.number(),
  links: z.object({ html: z.string() }),
})

/**
 * Flags in Acme.
 *
 * HTTP errors of the platform need no code. For other errors, throw `refused`, `retryLater` or `outcomeUnknown`.
 *
 * @see https://acme.example.com/api/flags
 */
export const acme = defineFlagProvider({
  title: 'Acme',
  connection: z.strictObject({
    baseUrl: url('URL of the API: https://acme.example.com/api'),
    token: secret('API token that may read and change flags'),
    environment: optional(word('Default environment')),
  }),
  headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
  check: ({ http }) => http.get('me'),
  project: undefined,

  async get({ http }, location, name) {
    const { enabled, rollout, links } = (await http.get(pathOf(location, name), { schema: answered })).body
    return { on: enabled, percentage: rollout, url: links.html }
  },

  // The action reads the flag back. Setting it twice changes nothing, so a retry needs no lookup.
  async set({ http }, location, [change]) {
    if (change) await http.patch(pathOf(location, change.flag), { enabled: change.on, rollout: change.percentage })
    return undefined
  },
})

function pathOf({ environment }: FlagLocation, name: string): string {
  return `environments/${segment(environment)}/flags/${segment(name)}`
}
