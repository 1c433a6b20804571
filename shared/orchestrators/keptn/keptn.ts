import * as z from 'zod/mini'
import { Failure, invalidInput, retryLater } from '../../errors.ts'
import { name, optional, secret, text, url, word } from '../../fields.ts'
import { Http } from '../../http/client.ts'
import { oauthAuthorization } from '../../http/oauth.ts'
import { segment } from '../../http/segment.ts'
import { log } from '../../log.ts'
import { defineOrchestrator, type Orchestrator } from '../orchestrator.ts'
import { keptnOriginOf } from './keptn-origin.ts'
import { type Reply, redactReply, replyOf } from './reply.ts'

/** The secret of a Cloud Automation or Keptn environment, with an API token or an OAuth client (Dynatrace SaaS). */
export const keptnSecret = z
  .strictObject({
    type: z.literal('keptn'),
    baseUrl: url('The URL of the environment, without /api: https://abc.cloudautomation.live.dynatrace.com'),
    bridgeUrl: optional(url('The URL of the Bridge. Defaults to /bridge below baseUrl')),
    token: optional(secret('Its API token')),
    oauth: optional(
      z.strictObject({
        tokenUrl: url('The token endpoint'),
        clientId: name('The client id'),
        clientSecret: secret('The client secret'),
        scope: z._default(word('Scopes'), 'cloudautomation:events:write cloudautomation:events:read'),
        resource: optional(word('The resource, if the server requires one')),
      }),
    ),
    ca: optional(text('PEM of a private certificate authority')),
  })
  .check(
    z.refine(({ token, oauth }) => (token === undefined) !== (oauth === undefined), {
      message: 'must have either token or oauth',
    }),
  )

type Settings = z.output<typeof keptnSecret>

/**
 * Returns the orchestrator for Keptn's API (1.x).
 *
 * @see https://keptn.sh/docs/1.0.x/reference/api/ `POST /v1/event`, and the datastore's `GET /event`
 * @see https://github.com/keptn/keptn/blob/master/mongodb-datastore/swagger.yaml `GET /event/type/{eventType}`
 */
export function keptn(settings: Settings): Required<Omit<Orchestrator, 'receive' | 'verify' | 'hasPaused'>> {
  return {
    acceptsPlatformAnswers: true,
    acceptsSkips: true,
    parse: ({ event }) => keptnOriginOf(event),
    linkTo: ({ project, context }) =>
      project === undefined || context === undefined ? undefined : sequenceUrl(settings, project, context),
    check: () => checkKeptn(connect(settings)),
    async send(task, answer, uncertainAttempts) {
      // Keptn waits without a timeout.
      if (answer.kind === 'heartbeat') return 'sent'
      const reply = redactReply(replyOf(task, answer))
      const http = connect(settings)
      if (uncertainAttempts > 0 && (await isRecorded(http, reply, uncertainAttempts))) return 'sent'
      await http.post('api/v1/event', reply, { schema: sendResponse })
      return 'sent'
    },
    async evaluations({ task, results, limit, ...target }) {
      const { previousEvaluationIn } = await import('../../evaluation/previous-evaluations.ts')
      const type = `sh.keptn.event.${task}.finished`
      const { body } = await connect(settings).get(`api/mongodb-datastore/event/type/${segment(type)}`, {
        query: { filter: filterOf(target, results), excludeInvalidated: true, limit },
        schema: evaluationEvents,
      })
      return (body.events ?? []).flatMap((event) => previousEvaluationIn(event) ?? [])
    },
  }
}

export const keptnType = defineOrchestrator({ secret: keptnSecret, connect: keptn })

/** Returns the URL where people see a sequence in the Bridge. */
export function sequenceUrl(
  { baseUrl, bridgeUrl = `${baseUrl.replace(/\/$/, '')}/bridge` }: Pick<Settings, 'baseUrl' | 'bridgeUrl'>,
  project: string,
  shkeptncontext: string,
): string {
  const path = `project/${encodeURIComponent(project)}/sequence/${encodeURIComponent(shkeptncontext)}`
  return `${bridgeUrl.replace(/\/$/, '')}/${path}`
}

/**
 * Checks that Keptn responds, accepts the credentials and allows to read events.
 *
 * @throws Failure
 */
export async function checkKeptn(http: Http): Promise<void> {
  await http.post('api/v1/auth', undefined, { isRead: true })
  // A login page responds to every request with 200. This response shows that it is Keptn.
  await http.get('api/mongodb-datastore/event', { query: { pageSize: 1 }, schema: recordedEvents })
}

function connect({ baseUrl, ca, token, oauth }: Settings): Http {
  const platform = 'Keptn'
  if (oauth) return new Http({ platform, baseUrl, authorization: oauthAuthorization(oauth, ca), ca })
  return new Http({ platform, baseUrl, headers: { 'x-token': token ?? '' }, ca })
}

/** After this many attempts, about two minutes, a 403 is no longer a temporary failure of a proxy. */
const MAX_FORBIDDEN_ATTEMPTS = 5
/** The same for another refusal, such as a login page: more than an hour. */
const MAX_REFUSED_ATTEMPTS = 20

/**
 * Whether Keptn has recorded this event. Its API responds before it processes an event, so only reading it back shows this.
 *
 * @param attempts including this one
 */
async function isRecorded(
  http: Http,
  { shkeptncontext, type, triggeredid, source }: Reply,
  attempts: number,
): Promise<boolean> {
  const isStarted = type.endsWith('.started')
  try {
    const query = { keptnContext: shkeptncontext, type, pageSize: 100 }
    const options = { query, schema: recordedEvents, accept: [403] }
    const { status, body } = await http.get('api/mongodb-datastore/event', options)
    if (status !== 403)
      return (body.events ?? []).some((event) => event.triggeredid === triggeredid && event.source === source)
    const reason = 'Keptn answered 403 to reading an event back. The token needs the permission to read events.'
    if (attempts < MAX_FORBIDDEN_ATTEMPTS) throw retryLater(reason)
    log.warn('event not read back', { kind: 'platform', reason })
    // A second `started` event would leave the task open forever. A second `finished` event is ignored.
    return isStarted
  } catch (error) {
    if (!(error instanceof Failure) || error.transient || error.kind === 'credentials') throw error
    // A task without its `started` event would never end, so that one is retried.
    if (isStarted || attempts < MAX_REFUSED_ATTEMPTS) throw error
    log.warn('event not read back', { kind: error.kind, reason: error.message })
    return false
  }
}

/**
 * Returns a filter of the datastore. Its language has no quotes.
 *
 * @throws Failure `invalid` for a name that would change the meaning of the filter
 */
function filterOf(target: Record<'project' | 'stage' | 'service', string>, results: readonly string[]): string {
  const terms = Object.entries(target).map(([part, name]) => {
    if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) {
      const message = `must be a valid name in Keptn, so that its previous evaluations can be read (it is "${name.slice(0, 60)}")`
      throw invalidInput(`data.${part}`, message)
    }
    return `data.${part}:${name}`
  })
  // An evaluation that failed to run has no result to compare with.
  return [...terms, 'data.status:succeeded', ...(results.length > 0 ? [`data.result:${results.join(',')}`] : [])].join(
    ' AND ',
  )
}

/** Refuses a login page, which responds with 200, too. */
const sendResponse = z.object({ keptnContext: z.string() })
/** Keptn may return null instead of an empty list. */
const evaluationEvents = z.object({ events: z.nullable(z.array(z.unknown())) })
const recordedEvents = z.object({
  events: z.nullable(z.array(z.object({ triggeredid: z.optional(z.string()), source: z.optional(z.string()) }))),
})
