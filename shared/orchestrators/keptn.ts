import * as z from 'zod'
import { Failure } from '../errors.ts'
import type { Reply } from '../event/reply.ts'
import { secret, url } from '../fields.ts'
import { Http } from '../http.ts'
import { log } from '../log.ts'
import { remember } from '../redact.ts'
import type { Orchestrator } from './orchestrator.ts'

/** The secret of a Cloud Automation or Keptn environment. */
export const keptnConnection = z
  .strictObject({
    type: z.literal('keptn'),
    /** The environment, without `/api`: `https://abc.cloudautomation.live.dynatrace.com`. */
    baseUrl: url(),
    /** Its API token. */
    token: secret().optional(),
    /** An OAuth client instead of a token (Dynatrace SaaS). */
    oauth: z
      .strictObject({
        tokenUrl: url(),
        clientId: z.string().min(1),
        clientSecret: secret(),
        scope: z.string().default('cloudautomation:events:write cloudautomation:events:read'),
        resource: z.string().optional(),
      })
      .optional(),
    ca: z.string().optional(),
  })
  .refine(({ token, oauth }) => (token === undefined) !== (oauth === undefined), {
    message: 'give either token or oauth',
  })

type Connection = z.output<typeof keptnConnection>
type OAuth = NonNullable<Connection['oauth']>

/** Tokens of OAuth clients, until half a minute before they expire. */
const tokens = new Map<string, { token: string; until: number }>()

/**
 * Keptn's API (1.x) as an orchestrator.
 *
 * @see https://keptn.sh/docs/1.0.x/reference/api/ `POST /v1/event`, and the datastore's `GET /event`
 */
export function keptn(connection: Connection): Orchestrator {
  return {
    async send(reply, repeated) {
      const http = await connect(connection)
      try {
        if (repeated && (await isRecorded(http, reply))) return
        await http.post('api/v1/event', reply, { answer: accepted })
      } catch (error) {
        if (error instanceof Failure && error.kind === 'credentials' && connection.oauth)
          tokens.delete(keyOf(connection.oauth))
        throw error
      }
    },
  }
}

async function connect(connection: Connection): Promise<Http> {
  const { baseUrl, ca, token, oauth } = connection
  const headers: Record<string, string> = oauth
    ? { authorization: `Bearer ${await fetchToken(oauth, ca)}` }
    : { 'x-token': token ?? '' }
  return new Http({ platform: 'Keptn', baseUrl, headers, ca })
}

/**
 * Whether Keptn has an event of this type for this trigger from us. Its API answers before an event is processed, so only
 * reading back tells.
 */
async function isRecorded(http: Http, { shkeptncontext, type, triggeredid, source }: Reply): Promise<boolean> {
  try {
    const query = { keptnContext: shkeptncontext, type, pageSize: 100 }
    const { body } = await http.get('api/mongodb-datastore/event', { query, answer: recordedEvents })
    return body.events.some((event) => event.triggeredid === triggeredid && event.source === source)
  } catch (error) {
    if (!(error instanceof Failure) || error.transient || error.kind === 'credentials') throw error
    // The token may not read. A second `started` would leave the task open for ever, a second `finished` is ignored.
    log.warn('events can not be read back; the token needs the right to read events', { reason: error.message })
    return type.endsWith('.started')
  }
}

/** Anything else is not Keptn: a login page answers 200 too. */
const accepted = z.object({ keptnContext: z.string() })
const recordedEvents = z.object({
  events: z.array(z.object({ triggeredid: z.string().optional(), source: z.string().optional() })),
})
const grantedToken = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().default(60) })

/** A token by the client credentials grant (RFC 6749 §4.4). */
async function fetchToken(oauth: OAuth, ca: string | undefined): Promise<string> {
  const key = keyOf(oauth)
  const known = tokens.get(key)
  if (known && known.until > Date.now()) return known.token
  const { tokenUrl, clientId, clientSecret, scope, resource } = oauth
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
    scope,
  })
  if (resource) form.set('resource', resource)
  const { origin, pathname } = new URL(tokenUrl)
  const http = new Http({ platform: 'The OAuth server', baseUrl: origin, ca })
  const { body } = await http.post(pathname, form.toString(), {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    reads: true,
    answer: grantedToken,
  })
  const token = body.access_token
  remember(token)
  tokens.set(key, { token, until: Date.now() + (body.expires_in - 30) * 1_000 })
  return token
}

function keyOf({ tokenUrl, clientId, clientSecret }: OAuth): string {
  return [tokenUrl, clientId, clientSecret].join(' ')
}
