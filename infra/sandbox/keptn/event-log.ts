import { isKeptnEvent, isObject, type KeptnEvent } from './events.ts'

/** Stores the events of a run: the bus and the event store of Keptn. */
export interface EventLog {
  record(event: KeptnEvent): Promise<void>
  /** Returns all events of a run, oldest first. */
  read(keptnContext: string): Promise<KeptnEvent[]>
  /** Whether it receives the events of the receiver. Otherwise the status of each task is polled. */
  readonly receiverReports: boolean
}

/** Reading or writing events failed. */
export class EventLogError extends Error {
  override readonly name = 'EventLogError'
  /** Whether a retry may succeed: there was no response, or the log is overloaded. */
  readonly passing: boolean

  constructor(message: string, passing: boolean, cause?: unknown) {
    super(message, { cause })
    this.passing = passing
  }
}

/** Creates a log in memory, for a receiver that sends its events elsewhere. */
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
 * Creates a log that reads events from the event store of a Keptn API. Events of the simulated control plane are recorded
 * with `POST {baseUrl}/record`, which only the sandbox supports.
 *
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
      throw new EventLogError(`cannot connect to ${base}`, true, error)
    }
    if (!answer.ok) {
      const hint = answer.status === 401 || answer.status === 403 ? '; check --keptn-token' : ''
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
      throw new EventLogError(
        `the Keptn at ${base} did not return JSON for ${method} ${path.split('?')[0]}`,
        false,
        error,
      )
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
        const found: unknown[] = Array.isArray(answer['events']) ? answer['events'] : []
        events.push(...found.filter(isKeptnEvent))
        const next = answer['nextPageKey']
        // Keptn returns "0" on the last page.
        page =
          next === undefined || next === null || String(next) === '' || String(next) === '0' ? undefined : String(next)
      }
      return events.reverse()
    },
  }
}
