import * as z from 'zod/mini'
import { Failure } from '../../errors.ts'
import type { Http } from '../../http/client.ts'
import { segment } from '../../http/segment.ts'

/** GitHub sends a delivery again for at most three days. */
const MAX_AGE_MS = 3 * 86_400_000
const PAGE_SIZE = 100
const MAX_PAGES = 100

const deliveries = z.array(
  z.object({
    id: z.int(),
    guid: z.string(),
    delivered_at: z.string(),
    status: z.string(),
    status_code: z.int(),
    event: z.string(),
    action: z.nullish(z.string()),
  }),
)
type Delivery = z.output<typeof deliveries>[number]

/** A request of GitHub that no attempt has delivered. */
export interface FailedDelivery {
  /** The same for each attempt. */
  guid: string
  /** The last attempt. */
  id: number
  event: string
  /** GitHub's reason, such as `timed out`. */
  reason: string
  attempts: number
  /** Times of the first and of the last attempt, in epoch milliseconds. */
  firstAt: number
  lastAt: number
}

/**
 * Returns the deliveries of an App of the last three days that failed each time, oldest first.
 *
 * @param http client of the App
 * @param now epoch milliseconds
 * @see https://docs.github.com/en/rest/apps/webhooks#list-deliveries-for-an-app-webhook
 */
export async function failedDeliveries(http: Http, now: number): Promise<FailedDelivery[]> {
  const byGuid = Map.groupBy(await listDeliveries(http, now - MAX_AGE_MS), ({ guid }) => guid)
  const failed = [...byGuid.values()].filter((attempts) => !attempts.some(isDelivered))
  return failed
    .flatMap((attempts): FailedDelivery[] => {
      const [last, first] = [attempts[0], attempts.at(-1)]
      if (!last || !first) return []
      const { guid, id, event, action } = last
      return [
        {
          guid,
          id,
          attempts: attempts.length,
          event: [event, action].filter(Boolean).join('.'),
          reason: last.status_code === 0 ? last.status : String(last.status_code),
          firstAt: Date.parse(first.delivered_at),
          lastAt: Date.parse(last.delivered_at),
        },
      ]
    })
    .reverse()
}

/** Returns the newest first. */
async function listDeliveries(http: Http, since: number): Promise<Delivery[]> {
  const found: Delivery[] = []
  let cursor: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const query = { per_page: PAGE_SIZE, cursor }
    const { body, headers } = await http.get('app/hook/deliveries', { query, schema: deliveries })
    found.push(...body.filter(({ delivered_at }) => Date.parse(delivered_at) >= since))
    cursor = cursorOf(headers['link'] ?? '')
    const oldest = body.at(-1)
    if (cursor === undefined || !oldest || Date.parse(oldest.delivered_at) < since) break
  }
  return found
}

/** Returns the cursor of the next page in a Link header: `<https://..?cursor=v1_42>; rel="next"`. */
function cursorOf(link: string): string | undefined {
  const [next = ''] = link.split(',').filter((entry) => entry.includes('rel="next"'))
  const url = URL.parse(next.slice(next.indexOf('<') + 1, next.indexOf('>')))
  return url?.searchParams.get('cursor') ?? undefined
}

function isDelivered({ status_code }: Delivery): boolean {
  return status_code >= 200 && status_code < 300
}

/**
 * Asks GitHub to send a delivery again.
 *
 * @returns GitHub's reason if it refuses
 * @see https://docs.github.com/en/rest/apps/webhooks#redeliver-a-delivery-for-an-app-webhook
 */
export async function redeliver(http: Http, { id }: FailedDelivery): Promise<string | undefined> {
  try {
    await http.post(`app/hook/deliveries/${segment(id)}/attempts`)
    return undefined
  } catch (error) {
    if (error instanceof Failure && error.kind === 'refused') return error.message
    throw error
  }
}
