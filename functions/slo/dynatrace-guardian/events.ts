import * as z from 'zod/mini'
import { retryLater } from '../../../shared/errors.ts'
import type { Http } from '../../../shared/http/client.ts'
import type { MeasurementRequest } from '../../../shared/providers/evaluation/provider.ts'
import type { GuardianResult } from './workflow.ts'

type GuardianType = 'business' | 'lifecycle'

const INGEST_PATH = 'platform/classic/environment-api/v2/bizevents/ingest'
const QUERY_PATH = 'platform/storage/query/v1/query'
/** How long Dynatrace may take for a query before it responds. Less than the timeout of a request. */
const MAX_QUERY_MS = 8_000
/** The clocks of Dynatrace and of this function may differ. */
const CLOCK_TOLERANCE_MS = 5 * 60_000

const queryResponse = z.object({
  state: z.string(),
  requestToken: z.nullish(z.string()),
  result: z.nullish(
    z.object({
      records: z.array(
        z.object({ 'validation.result': z.nullish(z.string()), 'validation.status': z.nullish(z.string()) }),
      ),
    }),
  ),
})

/** The results by the type of the guardian. Business guardians write business events, lifecycle guardians SDLC events. */
const FINISHED: Record<GuardianType, { source: string; filter: string }> = {
  business: { source: 'bizevents', filter: 'event.type == "guardian.validation.finished"' },
  lifecycle: {
    source: 'events',
    filter:
      'event.kind == "SDLC_EVENT" and event.provider == "dynatrace.site.reliability.guardian" and event.type == "validation" and event.status == "finished"',
  },
}

/** Checks that the credentials may read the events. */
export async function checkEvents(http: Http, guardian: GuardianType): Promise<void> {
  await execute(http, `fetch ${FINISHED[guardian].source} | limit 1`, Date.now())
}

/**
 * Sends the business event that starts the workflow of a guardian. The guardian repeats its `execution_context` in the result.
 *
 * @returns when, in epoch milliseconds
 */
export async function sendTrigger(
  http: Http,
  key: string,
  { queries, project, stage, service, start, end }: MeasurementRequest,
): Promise<number> {
  const event = {
    specversion: '1.0',
    id: key,
    source: 'cloud-automation-webhooks',
    type: 'guardian.validation.triggered',
    data: {
      'event.provider': 'cloud-automation-webhooks',
      // The workflow of each guardian filters for its name.
      guardian: queries[0]?.query,
      project,
      stage,
      service,
      'timeframe.from': new Date(start).toISOString(),
      'timeframe.to': new Date(end).toISOString(),
      // Nested objects of business events become text.
      execution_context: JSON.stringify({ task: key }),
    },
  }
  const sentAt = Date.now()
  await http.post(INGEST_PATH, event, { headers: { 'content-type': 'application/cloudevent+json' } })
  return sentAt
}

/**
 * Searches the result of a validation. Events can be found with a delay of up to a minute.
 *
 * @throws Failure
 */
export async function findValidation(
  http: Http,
  {
    guardian,
    key,
    sentAt,
    requestToken,
  }: { guardian: GuardianType; key: string; sentAt: number; requestToken: string | undefined },
): Promise<GuardianResult> {
  const { source, filter } = FINISHED[guardian]
  const query = `fetch ${source} | filter ${filter} and contains(toString(execution_context), "${key}") | sort timestamp desc | limit 1`
  const response = requestToken === undefined ? await execute(http, query, sentAt) : await poll(http, requestToken)
  // The result of the query has expired, so it runs again.
  if (response === undefined) return { status: 'validating' }
  const { state, requestToken: token, result } = response
  if (state === 'FAILED' || state === 'CANCELLED')
    throw retryLater(`The query for the result of the guardian ended with ${state}.`)
  if (state !== 'SUCCEEDED' && token) return { status: 'validating', requestToken: token }
  const [record] = result?.records ?? []
  if (!record) return { status: 'validating' }
  return { result: record['validation.result'] ?? record['validation.status'] ?? 'missing' }
}

async function execute(http: Http, query: string, since: number) {
  const body = {
    query,
    defaultTimeframeStart: new Date(since - CLOCK_TOLERANCE_MS).toISOString(),
    requestTimeoutMilliseconds: MAX_QUERY_MS,
    maxResultRecords: 1,
  }
  return (await http.post(`${QUERY_PATH}:execute`, body, { isRead: true, schema: queryResponse })).body
}

/** Returns undefined if the token has expired. */
async function poll(http: Http, requestToken: string) {
  const query = { 'request-token': requestToken, 'request-timeout-milliseconds': MAX_QUERY_MS }
  const { status, body } = await http.get(`${QUERY_PATH}:poll`, { query, accept: [404, 410], schema: queryResponse })
  return status < 300 ? body : undefined
}
