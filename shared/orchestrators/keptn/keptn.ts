import * as z from 'zod/mini'
import { Failure } from '../../errors.ts'
import { name, optional, secret, text, url, word } from '../../fields.ts'
import { Http, segment } from '../../http/client.ts'
import { oauthAuthorization } from '../../http/oauth.ts'
import { log } from '../../log.ts'
import type { Orchestrator } from '../orchestrator.ts'
import type { Reply } from './reply.ts'

/** The secret of a Cloud Automation or Keptn environment: with an API token, or with an OAuth client (Dynatrace SaaS). */
export const keptnConnection = z
  .strictObject({
    type: z.literal('keptn'),
    baseUrl: url('The environment, without /api: https://abc.cloudautomation.live.dynatrace.com'),
    bridgeUrl: optional(url('Where people open the Bridge; /bridge below baseUrl where left out')),
    token: optional(secret('Its API token')),
    oauth: optional(
      z.strictObject({
        tokenUrl: url('Where the token is fetched'),
        clientId: name('The id of the client'),
        clientSecret: secret('The secret of the client'),
        scope: z._default(word('Scopes'), 'cloudautomation:events:write cloudautomation:events:read'),
        resource: optional(word('The resource, where the server asks for one')),
      }),
    ),
    ca: optional(text('PEM of a private certificate authority')),
  })
  .check(
    z.refine(({ token, oauth }) => (token === undefined) !== (oauth === undefined), {
      message: 'must have either token or oauth',
    }),
  )

type Connection = z.output<typeof keptnConnection>

/**
 * Keptn's API (1.x) as an orchestrator.
 *
 * @see https://keptn.sh/docs/1.0.x/reference/api/ `POST /v1/event`, and the datastore's `GET /event`
 * @see https://github.com/keptn/keptn/blob/master/mongodb-datastore/swagger.yaml `GET /event/type/{eventType}`
 */
export function keptn(connection: Connection): Orchestrator {
  return {
    linkTo: (project, shkeptncontext) => sequenceUrl(connection, project, shkeptncontext),
    check: () => checkKeptn(connect(connection)),
    async send(reply, inDoubt) {
      const http = connect(connection)
      if (inDoubt > 0 && (await isRecorded(http, reply, inDoubt))) return
      await http.post('api/v1/event', reply, { schema: accepted })
    },
    async evaluations({ task, results, most, ...of }) {
      const { previousEvaluationIn: earlierIn } = await import('../../evaluation/previous-evaluations.ts')
      const type = `sh.keptn.event.${task}.finished`
      const { body } = await connect(connection).get(`api/mongodb-datastore/event/type/${segment(type)}`, {
        query: { filter: filterOf(of, results), excludeInvalidated: true, limit: most },
        schema: keptEvents,
      })
      return (body.events ?? []).flatMap((event) => earlierIn(event) ?? [])
    },
  }
}

/** Where people see a sequence. */
export function sequenceUrl(
  { baseUrl, bridgeUrl = `${baseUrl.replace(/\/$/, '')}/bridge` }: Pick<Connection, 'baseUrl' | 'bridgeUrl'>,
  project: string,
  shkeptncontext: string,
): string {
  const path = `project/${encodeURIComponent(project)}/sequence/${encodeURIComponent(shkeptncontext)}`
  return `${bridgeUrl.replace(/\/$/, '')}/${path}`
}

/**
 * Whether Keptn answers, takes our credentials and lets us read events.
 *
 * @throws Failure
 */
export async function checkKeptn(http: Http): Promise<void> {
  await http.post('api/v1/auth', undefined, { isRead: true })
  // Only this shows that it is Keptn: a login page answers everything.
  await http.get('api/mongodb-datastore/event', { query: { pageSize: 1 }, schema: recordedEvents })
}

function connect({ baseUrl, ca, token, oauth }: Connection): Http {
  const platform = 'Keptn'
  if (oauth) return new Http({ platform, baseUrl, authorization: oauthAuthorization(oauth, ca), ca })
  return new Http({ platform, baseUrl, headers: { 'x-token': token ?? '' }, ca })
}

/**
 * With so many tries (some two minutes, and more than an hour) a refusal is no matter of a moment any more, as it is of a proxy
 * that is out of order, or of a page to log in.
 */
const lasting = { forbidden: 5, refused: 20 }

/**
 * Whether Keptn has an event of this type for this trigger from us. Its API answers before an event is processed, so only
 * reading back tells.
 *
 * @param tries how often it was asked, this time included
 */
async function isRecorded(
  http: Http,
  { shkeptncontext, type, triggeredid, source }: Reply,
  tries: number,
): Promise<boolean> {
  const isStarted = type.endsWith('.started')
  try {
    const query = { keptnContext: shkeptncontext, type, pageSize: 100 }
    const options = { query, schema: recordedEvents, accept: [403] }
    const { status, body } = await http.get('api/mongodb-datastore/event', options)
    if (status !== 403)
      return (body.events ?? []).some((one) => one.triggeredid === triggeredid && one.source === source)
    const reason = 'Keptn answered 403 where an event is read back: the token needs the right to read events.'
    if (tries < lasting.forbidden) throw new Failure('platform', reason)
    log.warn(reason)
    // A second `started` would leave the task open for ever, a second `finished` is ignored.
    return isStarted
  } catch (error) {
    if (!(error instanceof Failure) || error.transient || error.kind === 'credentials') throw error
    // What says nothing of our rights says nothing of the event. Without its `started` a task would be left open as well.
    if (isStarted || tries < lasting.refused) throw error
    log.warn('events can not be read back', { reason: error.message })
    return false
  }
}

/**
 * A filter of the datastore, whose language knows no quotes.
 *
 * @throws Failure `invalid` for a name that would mean something else there
 */
function filterOf(of: Record<'project' | 'stage' | 'service', string>, results: readonly string[]): string {
  const terms = Object.entries(of).map(([part, name]) => {
    if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) {
      const message = `"${name.slice(0, 60)}" is no name in Keptn, so its earlier evaluations can not be asked for`
      throw new Failure('invalid', `data.${part}: ${message}`, { errors: [{ path: `data.${part}`, message }] })
    }
    return `data.${part}:${name}`
  })
  // One that could not be made is none, and must not take the place of one.
  return [...terms, 'data.status:succeeded', ...(results.length > 0 ? [`data.result:${results.join(',')}`] : [])].join(
    ' AND ',
  )
}

/** Anything else is not Keptn: a login page answers 200 too. */
const accepted = z.object({ keptnContext: z.string() })
/** Of none it may answer null. */
const keptEvents = z.object({ events: z.nullable(z.array(z.unknown())) })
const recordedEvents = z.object({
  events: z.nullable(z.array(z.object({ triggeredid: z.optional(z.string()), source: z.optional(z.string()) }))),
})
