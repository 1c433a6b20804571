import { isObject, type KeptnEvent } from './events.ts'

/** Where the events of a run are kept and read back: the bus and the event store of a Keptn. */
export interface EventLog {
  record(event: KeptnEvent): Promise<void>
  /** Every event of a run, the oldest first. */
  read(keptnContext: string): Promise<KeptnEvent[]>
  /** Whether the receiver's own events arrive in it; where they do not, its tasks' status is polled instead. */
  readonly receiverReports: boolean
}

/** The log did not take or give the events. */
export class EventLogError extends Error {
  override readonly name = 'EventLogError'
  /** Nothing answers, or it is overloaded: asking again may help. */
  readonly passing: boolean

  constructor(message: string, passing: boolean, cause?: unknown) {
    super(message, { cause })
    this.passing = passing
  }
}

/** A log in this process, for a receiver that sends its events elsewhere. */
export function memoryEventLog(): EventLog {
  const events: KeptnEvent[] = []
  return {
    receiverReports: false,
    record: async (event) => {
      events.push(event)
    },
    read: async (context) => events.filter(({ shkeptncontext }) => shkeptncontext === context),
  }
}

/**
 * The log of a Keptn: events are read back from its event store (protocol section 5). What its control plane sends is put
 * in by `POST {baseUrl}/record`, an entrance that only the sandbox has: it stands for the control plane's own bus.
 * @throws EventLogError from both methods
 */
export function keptnEventLog(baseUrl: string, token: string): EventLog {
  const base = baseUrl.replace(/\/+$/, '')

  async function ask(method: 'GET' | 'POST', path: string, body?: KeptnEvent): Promise<unknown> {
    const headers = { 'x-token': token, ...(body ? { 'content-type': 'application/json' } : {}) }
    let answer: Response
    let text: string
    try {
      answer = await fetch(base + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) })
      text = await answer.text()
    } catch (error) {
      throw new EventLogError(`nothing answers at ${base}`, true, error)
    }
    if (!answer.ok) {
      const hint = answer.status === 401 || answer.status === 403 ? '; is its token right?' : ''
      const passing = answer.status === 429 || answer.status >= 500
      throw new EventLogError(
        `the Keptn at ${base} answered ${answer.status} to ${method} ${path.split('?')[0]}${hint}`,
        passing,
      )
    }
    if (method === 'POST') return undefined
    try {
      return JSON.parse(text)
    } catch (error) {
      throw new EventLogError(`the Keptn at ${base} answered no JSON to ${method} ${path.split('?')[0]}`, false, error)
    }
  }

  return {
    receiverReports: true,
    record: async (event) => {
      await ask('POST', '/record', event)
    },
    read: async (context) => {
      const events: KeptnEvent[] = []
      let page: string | undefined = ''
      while (page !== undefined) {
        const query: string = `keptnContext=${encodeURIComponent(context)}&pageSize=100${page && `&nextPageKey=${encodeURIComponent(page)}`}`
        const answer: unknown = await ask('GET', `/api/mongodb-datastore/event?${query}`)
        if (!isObject(answer)) break
        if (Array.isArray(answer['events'])) events.push(...(answer['events'] as unknown as KeptnEvent[]))
        const next = answer['nextPageKey']
        // Keptn says "0" on the last page.
        page =
          next === undefined || next === null || String(next) === '' || String(next) === '0' ? undefined : String(next)
      }
      return events.reverse()
    },
  }
}
