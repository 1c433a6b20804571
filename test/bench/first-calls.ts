import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { webhookBundle, webhookFile } from '../../infra/build/files.ts'
import { createSandbox } from '../../infra/sandbox/platforms/sandbox/index.ts'
import { settings } from '../../shared/settings.ts'
import { itemKeys } from '../../shared/state/item-keys.ts'
import { compile } from './compile.ts'
import { keptnEvent, openIssue, proxyEvent } from './event.ts'
import { freshProcesses, type Starter } from './fresh-process.ts'
import { emptyHandler } from './init.ts'
import type { Bench } from './measure.ts'
import type { Recipe } from './minimal/by-hand.ts'
import { type Recorded, startPlatform } from './platform.ts'

/** A call to a webhook, and the minimal handler that sends the same requests. */
export interface Example {
  category: string
  action: string
  query?: Record<string, string>
  input: Record<string, unknown>
  eventId?: string
  /** The minimal handler, a file in `minimal/`. */
  byHand: 'silent' | 'once' | 'interactive'
}

/** Returns an example of a silent call. */
export function exampleOf(action: string, input: Example['input'], more: Partial<Example> = {}): Example {
  const [category = '', name = ''] = action.split('/')
  return { category, action: name, input, byHand: 'silent', ...more }
}

const opening = (more: Partial<Example>) => exampleOf('issue-ticketing/open-issue', openIssue, more)
/** The three kinds of calls of one category. */
export const issueTicketing = {
  'issue-ticketing, silent': opening({}),
  'issue-ticketing, silent with an event id': opening({ eventId: 'event-1', byHand: 'once' }),
  'issue-ticketing, interactive': opening({
    query: { mode: 'interactive' },
    eventId: 'event-2',
    byHand: 'interactive',
  }),
}

/** Starts a new process that handles one call. */
type Run = () => ReturnType<Starter>

export const EMPTY = 'an empty handler'

/**
 * Runs a measurement of first calls in new processes. Checks that our webhook and the minimal handler send the same requests, except the read of the stops.
 *
 * @param measure gets `<example>: ours` and `<example>: by hand` for each example, and an empty handler
 */
export async function withFirstCalls<T>(
  { bundles, scratch, progress }: Bench,
  examples: Record<string, Example>,
  measure: (calls: Record<string, Run>) => Promise<T>,
): Promise<T> {
  const start = await freshProcesses(scratch)
  const empty = await emptyHandler(scratch)
  const sandbox = createSandbox({ state: await mkdtemp(join(scratch, 'sandbox-')) })
  const platform = await startPlatform(sandbox)
  try {
    const calls: Record<string, Run> = {
      [EMPTY]: () => start(empty, platform.variables, proxyEvent('open-issue', {}, keptnEvent(openIssue))),
    }
    for (const [what, example] of Object.entries(examples)) {
      progress(`${what}: its calls`)
      const { category, action, query = {}, input, eventId } = example
      const variables = platform.variablesOf(category)
      const file = join(bundles, category, webhookFile)
      const event = proxyEvent(action, query, keptnEvent(input, eventId), { category })
      const minimal = await compile(`minimal/${example.byHand}.ts`, scratch, { minify: true })
      // The first start reads files from the disk and changes the platform.
      await start(file, variables, event)
      platform.taken()
      // Without the preload, only what the call needs.
      await start(join(bundles, category, `${webhookBundle}.js`), variables, event)
      // A minimal handler cannot be stopped, so it saves this read.
      const ours = platform.taken().filter((request) => !readsStops(request))
      const same = { ...event, body: JSON.stringify(recipeOf(ours)) }
      await start(minimal, variables, same)
      const theirs = platform.taken()
      if (namesOf(ours) !== namesOf(theirs))
        throw new Error(`The minimal handler sends other requests: ${namesOf(theirs)}; ours: ${namesOf(ours)}`)
      calls[`${what}: by hand`] = () => start(minimal, variables, same)
      calls[`${what}: ours`] = () => start(file, variables, event)
    }
    return await measure(calls)
  } finally {
    await platform.close()
    sandbox.close()
  }
}

function recipeOf(requests: Recorded[]): Recipe {
  const secrets = requests.flatMap((request) => secretOf(request) ?? []).filter((name) => name !== 'callers')
  const calls = requests
    .filter((request) => secretOf(request) === undefined)
    .map(({ headers: { host: _host, connection: _connection, ...headers }, ...call }) => ({ ...call, headers }))
  return { secrets, calls }
}

/** Returns the secret that a request reads, without the prefix. */
function secretOf({ headers, body }: Recorded): string | undefined {
  if (!headers['x-amz-target']?.toString().endsWith('.GetSecretValue')) return undefined
  return (JSON.parse(body) as { SecretId: string }).SecretId.slice(`${settings.secretPrefix}/`.length)
}

function readsStops({ headers, body }: Recorded): boolean {
  return headers['x-amz-target']?.toString().endsWith('.GetItem') === true && body.includes(`"${itemKeys.stops}"`)
}

/** Sorted, because secrets may be read concurrently. */
function namesOf(requests: Recorded[]): string {
  return requests
    .map((request) => {
      const { method, path, headers } = request
      return `${method} ${path.split('?')[0]} ${headers['x-amz-target'] ?? ''} ${secretOf(request) ?? ''}`
    })
    .sort()
    .join(', ')
}
