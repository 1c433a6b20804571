import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { EXCHANGES, type Exchange, requestLine, type Served } from '../../../infra/testing/loopback-server.ts'
import { Service, type ServiceOptions } from '../../e2e/service.ts'

/** A case that an example covers. */
interface Scenario {
  title: string
  /** Lets the caller act, and returns how it ended. */
  run(service: Service, timeline: Timeline): Promise<string>
  expected: string
}

/** An example in a runtime of its own. */
export interface Setting {
  options?: ServiceOptions
  /** The platforms that the sandbox does not have, by the name to print. */
  platforms?: Record<string, Served>
  scenarios: Scenario[]
}

type Write = [platform: string, text: string]

const ACTOR_COLUMNS = 11
const MAX_COLUMNS = 130
/** The fields of a response that say what happens. */
const SHOWN_FIELDS = ['verdict', 'outcome', 'result', 'message', 'detail', 'errorType', 'errorMessage', 'taskId']

/**
 * Runs an example with the shipped bundles in a runtime of its own.
 *
 * @param print receives a line for each request, response and end
 * @returns whether each scenario ended as expected
 */
export async function runExample(prepare: () => Promise<Setting>, print: (line: string) => void): Promise<boolean> {
  const { options, platforms = {}, scenarios } = await prepare()
  const service = new Service({ timeScale: 20, ...options })
  const timeline = new Timeline(service, platforms, print)
  try {
    await service.start()
    timeline.say('runtime', `started at ${service.url}, with the shipped bundles`)
    let isExpected = true
    for (const { title, run, expected } of scenarios) {
      print(`\n${title}`)
      const ending = await run(service, timeline)
      await timeline.received()
      timeline.say('end', ending)
      if (ending === expected) continue
      isExpected = false
      timeline.say('expected', expected)
    }
    return isExpected
  } finally {
    timeline.close()
    await service.end()
    await Promise.all(Object.values(platforms).map((platform) => platform.close()))
  }
}

/** Prints what happens. */
export class Timeline {
  readonly #service: Service
  readonly #print: (line: string) => void
  /** The writes that are not printed yet, except those at the sandbox. */
  readonly #writes: Write[] = []
  readonly #onExchange: (message: unknown) => void
  #printedOfSandbox = 0

  constructor(service: Service, platforms: Record<string, Served>, print: (line: string) => void) {
    this.#service = service
    this.#print = print
    const names = new Map(Object.entries(platforms).map(([name, { url }]) => [new URL(url).host, name]))
    this.#onExchange = (message) => {
      const { call } = message as Exchange
      const platform = names.get(String(call.headers.host))
      if (platform && call.method !== 'GET') this.#writes.push([platform, requestLine(call)])
    }
    subscribe(EXCHANGES, this.#onExchange)
  }

  close(): void {
    unsubscribe(EXCHANGES, this.#onExchange)
  }

  /** Prints who acts, and what happens. */
  say(actor: string, text: string): void {
    const short = text.replace(/\s+/g, ' ').replace(/\b([\da-f]{8})[\da-f]{32,}/g, '$1..')
    const line = `${actor.padEnd(ACTOR_COLUMNS)}${short}`
    this.#print(line.length > MAX_COLUMNS ? `${line.slice(0, MAX_COLUMNS)}..` : line)
  }

  /** Prints the writes that the platforms have received since the last time. */
  async received(): Promise<void> {
    const ofSandbox = await this.#writesInSandbox()
    for (const [platform, text] of [...ofSandbox, ...this.#writes.splice(0)]) this.say(platform, `receives ${text}`)
  }

  /** Prints a response of the webhooks. A task acts after the response, and everything else before it. */
  async responded(status: number | string, text: string): Promise<void> {
    const summary = summaryOf(text)
    if (!summary.includes('"taskId"')) await this.received()
    this.say('webhooks', `${status} ${summary}`)
  }

  /** Returns a function that sends a request, and prints it and its response. Prints what polls repeat once. */
  fetchAs(actor: string): typeof fetch {
    const printed = new Set<string>()
    const isNew = (text: string) => !printed.has(text) && printed.add(text)
    return async (target, init) => {
      const request = `${init?.method} ${String(target).replace(this.#service.url, '')} ${init?.body ?? ''}`
      if (isNew(request)) this.say(actor, request)
      const response = await fetch(target, init)
      const body = await response.clone().text()
      if (isNew(`${request} ${summaryOf(body)}`)) await this.responded(response.status, body)
      return response
    }
  }

  async #writesInSandbox(): Promise<Write[]> {
    const requests: { target: string; method: string; path: string }[] = await this.#service.list('requests')
    // The simulated Keptn prints its events itself.
    const writes = requests.filter(({ target, method }) => target !== 'keptn' && method !== 'GET')
    const others = writes.slice(this.#printedOfSandbox)
    this.#printedOfSandbox = writes.length
    return others.map(({ target, method, path }) => [target, `${method} ${path}`])
  }
}

/** Returns the fields of a JSON text that say what happens. */
export const summaryOf = (text: string) => JSON.stringify(JSON.parse(text), SHOWN_FIELDS)
