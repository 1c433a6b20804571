import type { IncomingMessage, ServerResponse } from 'node:http'
import type { LambdaClient } from '@aws-sdk/client-lambda'
import type { EventsFile } from '../../../../shared/sources/events-file.ts'
import type { StackFunction } from '../../../aws/running-tasks.ts'
import { stopsOfStack } from '../../operator/operate-stops.ts'
import type { StopForm } from '../../operator/stop-conditions.ts'
import { describeEvents } from '../alerts/alerts-view.ts'
import { callList } from '../call-list.ts'
import { CallStore } from '../call-store.ts'
import { createEventStream } from '../event-stream.ts'
import { overviewOf } from '../overview.ts'
import { PolicyDecisions } from '../policy-decisions.ts'
import { type KnownPolicy, policyView } from '../policy-view.ts'
import { type CallAction, createRoutes } from '../routes.ts'
import type { SourceView } from '../source-views.ts'
import { stopViews } from '../stop-views.ts'
import { actOnTask } from './act-on-task.ts'
import { LogReader } from './logs.ts'
import { StackCalls } from './stack-calls.ts'
import { stackPolicy } from './stack-policy.ts'

interface StackApiOptions {
  lambda: LambdaClient
  stack: string
  functions: readonly StackFunction[]
  /** Age of the oldest silent calls, in milliseconds. */
  sinceMs: number
  isReadOnly: boolean
  /** Reads the declared sources, if there are any. */
  sources?: ReadSources | undefined
  /** The contents of `events.yaml` on this machine. */
  events: EventsFile | undefined
}

const NO_NOTIFICATIONS =
  'The rules of events.yaml on this machine. A stack stores no notifications: try one with npx webhooks events test <file>. Failed rules are in the log of the function events.'

/** @returns undefined if they cannot be read */
export type ReadSources = () => Promise<SourceView[] | undefined>

/** The data of a stack for the page, and the actions on its tasks. */
export interface StackApi {
  /** Handles requests below `/console/`, from the user and this page only. */
  handle(req: IncomingMessage, res: ServerResponse, path: string): unknown
  close(): void
}

const REFRESH_MS = 15_000
/** When a task that was changed is read again, in milliseconds. It may end after its next poll only. */
const READ_AGAIN_MS = [1_000, 3_000, 8_000]

/** Creates the API of the page. It reads from AWS only while a page is open. */
export function createStackApi(options: StackApiOptions): StackApi {
  const { lambda, stack, functions, sinceMs, isReadOnly, sources, events = { sources: {} } } = options
  const store = new CallStore(':memory:')
  const stream = createEventStream()
  const logs = new LogReader(lambda)
  const since = Date.now() - sinceMs
  const changed = (calls: object[]) => stream.send('calls', { changed: calls, removed: [] })
  const decisions = new PolicyDecisions(since)
  const calls = new StackCalls({ lambda, logs, functions, store, decisions, since, changed })
  const operateStops = stopsOfStack(lambda, stack)
  let policy: Promise<KnownPolicy> | undefined
  const timers = new Set<NodeJS.Timeout>()
  const refresh = async () => {
    await calls.refresh()
    stream.send('stops', {})
    // Without changes of calls, too: the notice has changed.
    changed([])
  }
  timers.add(setInterval(() => stream.hasPages && void refresh(), REFRESH_MS).unref())

  const reads = {
    calls: (query: URLSearchParams) => ({ ...callList(store, query, Date.now()), notice: calls.notice }),
    call(id: string) {
      const complete = store.completeId(id)
      return complete === undefined ? undefined : calls.detail(complete)
    },
    overview: async (ms: number) => ({ ...overviewOf(store, ms, Date.now()), sources: await sources?.() }),
    async policy() {
      policy ??= stackPolicy(functions)
      return { ...policyView(await policy, store, decisions, Date.now()), notice: calls.notice }
    },
    alerts: () => ({ ...describeEvents(events), notifications: [], notice: NO_NOTIFICATIONS }),
    notification: () => undefined,
    // Reading them needs the permission to change them.
    stops: async () => (isReadOnly ? { stops: [] } : stopViews(operateStops)),
    openStream(res: ServerResponse) {
      void refresh()
      return stream.add(res)
    },
  }
  async function act(id: string, operation: CallAction): Promise<object | undefined> {
    const complete = store.completeId(id)
    const stored = complete === undefined ? undefined : store.load(complete)
    if (!stored) return undefined
    const done = await actOnTask(lambda, stack, stored, operation)
    await calls.readChanged(stored.record.id)
    const readAgain = () => void calls.readChanged(done.id ?? stored.record.id)
    for (const ms of READ_AGAIN_MS) timers.add(setTimeout(readAgain, ms).unref())
    return done
  }
  const stopActions = {
    stop: (stop: StopForm) => operateStops({ operation: 'stop', ...stop }),
    resume: (id: string) => operateStops({ operation: 'resume', id }),
  }
  return {
    handle: createRoutes(reads, isReadOnly ? undefined : { act, ...stopActions }),
    close() {
      timers.forEach(clearTimeout)
      stream.close()
      store.close()
    },
  }
}
