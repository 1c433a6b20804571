import { afterAll, beforeAll, beforeEach } from '@jest/globals'
import * as z from 'zod/mini'
import type { Call, Reply, Served } from '../../infra/testing/loopback-server.ts'
import { serve } from '../../infra/testing/loopback-server.ts'
import { requestApproval } from '../../shared/approvals/action.ts'
import { pageRoute } from '../../shared/approvals/page-route.ts'
import { secret, url } from '../../shared/fields.ts'
import { segment } from '../../shared/http/segment.ts'
import type { Category } from '../../shared/providers/category.ts'
import { defineJobProvider } from '../../shared/providers/job.ts'
import { defineMessageProvider } from '../../shared/providers/message.ts'
import { pushMessage } from '../../shared/providers/push-update.ts'
import { startJob } from '../../shared/providers/start-job.ts'
import { stopJob } from '../../shared/providers/stop-job.ts'
import { defineTicketProvider } from '../../shared/providers/ticket.ts'
import { closeTicket, openTicket, updateTicket } from '../../shared/providers/ticket-actions.ts'
import { startOnce } from '../functions/helpers.ts'
import { Lifecycle } from './lifecycle.ts'

/** A run of the fake platform. */
interface FakeRun {
  id: string
  key: string
  /** The states that the next requests for the status report; the last one stays. */
  states: string[]
  stopped: boolean
}

/** A message of the fake platform. */
interface FakeMessage {
  id: string
  key: string
  /** The text, and how it was replaced. */
  texts: string[]
  replies: string[]
  /** The path of the page where people decide. */
  page: string
}

/** The fake platform: runs, tickets and messages that carry the idempotency key. */
export interface FakePlatform extends Served {
  runs: FakeRun[]
  tickets: { id: string; key: string; title: string }[]
  messages: FakeMessage[]
  /** States of the runs that are started from now on. */
  states: string[]
  /** State of a run after a stop request. */
  afterStop: string
  /** Removes all runs and tickets, and resets the settings. */
  reset(): void
}

async function startPlatform(platform: FakePlatform, onRequest?: () => Promise<void>): Promise<void> {
  const defaults = () => ({ runs: [], tickets: [], messages: [], states: ['done'], afterStop: 'cancelled' })
  const server = await serve(async (call) => {
    await onRequest?.()
    return answer(platform, call)
  })
  Object.assign(platform, server, defaults(), {
    reset() {
      Object.assign(platform, defaults())
      platform.calls.splice(0)
      platform.recover()
    },
  })
}

/** The token of every connection to the fake platform. */
export const PLATFORM_TOKEN = 'token-of-the-platform'

/**
 * Starts the fake services and the fake platform for the tests of a file, and resets them before each test. Each provider has
 * a connection of its name.
 *
 * @param onRequest called before one of the services or the platform answers a request
 */
export function useLifecycle(
  tested = category,
  onRequest?: () => Promise<void>,
): { lifecycle: Lifecycle; platform: FakePlatform } {
  const lifecycle = new Lifecycle(tested, onRequest)
  // It starts before the first test.
  const platform = {} as FakePlatform
  startOnce(() => lifecycle.start())
  beforeAll(async () => {
    await startPlatform(platform, onRequest)
    for (const provider of Object.keys(tested.providers))
      lifecycle.connect(provider, { provider, baseUrl: platform.url, token: PLATFORM_TOKEN })
  })
  afterAll(() => platform.close())
  beforeEach(() => {
    platform.reset()
    lifecycle.keptn.recover()
    lifecycle.aws.recover()
  })
  return { lifecycle, platform }
}

function answer(platform: FakePlatform, call: Call): Reply {
  const { method, path, query, body } = call
  const [, kind, id, verb] = path.split('/')
  const { key = '', title = '' } = (body ?? {}) as { key?: string; title?: string }
  if (kind === 'tickets' && method === 'POST') {
    const ticket = { id: String(platform.tickets.length + 1), key, title }
    platform.tickets.push(ticket)
    return { status: 201, body: ticket }
  }
  if (kind === 'tickets')
    return { status: 200, body: platform.tickets.filter((ticket) => ticket.key === query.get('key')) }
  if (kind === 'messages') return answerMessages(platform, call)
  if (kind === 'runs' && id === undefined && method === 'POST') {
    const run = { id: String(platform.runs.length + 1), key, states: [...platform.states], stopped: false }
    platform.runs.push(run)
    return { status: 201, body: { id: run.id } }
  }
  if (kind === 'runs' && id === undefined) {
    const found = platform.runs.filter((run) => run.key === query.get('key'))
    return { status: 200, body: found.map((run) => ({ id: run.id })) }
  }
  const run = platform.runs.find((one) => one.id === id)
  if (!run) return { status: 404, body: { message: `There is no run ${id}` } }
  if (verb === 'stop') {
    Object.assign(run, { stopped: true, states: [platform.afterStop] })
    return { status: 202 }
  }
  const state = run.states.length > 1 ? run.states.shift() : run.states[0]
  return { status: 200, body: { id, state } }
}

function answerMessages({ messages }: FakePlatform, { method, path, query, body }: Call): Reply {
  const [, , id, verb] = path.split('/')
  const { key = '', text = '', page = '' } = (body ?? {}) as { key?: string; text?: string; page?: string }
  if (id === undefined && method === 'GET')
    return { status: 200, body: messages.filter((message) => message.key === query.get('key')) }
  if (id === undefined) {
    const message = { id: String(messages.length + 1), key, texts: [text], replies: [], page }
    messages.push(message)
    return { status: 201, body: message }
  }
  const message = messages.find((one) => one.id === id)
  if (verb === 'replies') message?.replies.push(text)
  else message?.texts.push(text)
  return { status: message ? 200 : 404 }
}

const created = z.object({ id: z.string() })
const status = z.object({ id: z.string(), state: z.string() })

const common = {
  title: 'Fake',
  connection: z.strictObject({ baseUrl: url('Base URL of the platform'), token: secret('Token') }),
  headers: ({ token }: { token: string }) => ({ authorization: `Bearer ${token}` }),
  check: () => Promise.resolve(),
}
const jobProvider = {
  ...common,
  noun: 'run',
  states: { queued: 'running', busy: 'running', done: 'pass', broken: 'fail', cancelled: 'aborted' },
} as const

/** A provider that finds its runs by key. */
const fakeJob = defineJobProvider({
  ...jobProvider,
  lookUp: { newest: 'all' },
  async find({ http, idempotencyKey: key }) {
    const [run] = (await http.get('runs', { query: { key }, schema: z.array(created) })).body
    return run
  },
  start: async ({ http, idempotencyKey: key }, { target }) =>
    (await http.post('runs', { key, target }, { schema: created })).body,
  getStatus: async ({ http }, { id }) => (await http.get(`runs/${segment(id)}`, { schema: status })).body,
  notifiedBy: { type: 'http', wakeId: ({ id }) => id },
  async stop({ http }, { id }) {
    await http.post(`runs/${segment(id)}/stop`)
  },
})

/** A provider whose runs get their id when they leave the queue. */
const queuedJob = defineJobProvider({
  ...jobProvider,
  find: fakeJob.find,
  lookUp: fakeJob.lookUp,
  start: fakeJob.start,
  async getStatus(client, { id, providerState = id }) {
    const current = await fakeJob.getStatus(client, { id: String(providerState) })
    return current.state === 'queued' ? current : { ...current, run: { id: `build-${providerState}`, providerState } }
  },
  notifiedBy: { type: 'http', wakeId: ({ id }) => (id.startsWith('build-') ? id : undefined) },
})

const blind = { ...jobProvider, start: fakeJob.start, getStatus: fakeJob.getStatus }

/** A provider that cannot find its runs, and whose platform cannot stop them. */
const blindJob = defineJobProvider(blind)

/** A provider whose platform sends the `finished` event itself. */
const delegatedJob = defineJobProvider({ ...blind, sendsFinished: () => true })

/** A provider whose runs must not outlive their task. */
const attendedJob = defineJobProvider({
  ...blind,
  requiresTask: true,
  find: fakeJob.find,
  lookUp: fakeJob.lookUp,
  stop: fakeJob.stop,
  async cleanUp({ http, idempotencyKey: key }) {
    for (const { id } of (await http.get('runs', { query: { key }, schema: z.array(created) })).body)
      await http.post(`runs/${segment(id)}/stop`)
  },
})

const unsupported = () => Promise.reject(new Error('The tests only open tickets.'))

const fakeTicket = defineTicketProvider({
  ...common,
  noun: 'ticket',
  project: undefined,
  lookUp: { newest: 'all' },
  async find({ http, idempotencyKey: key }) {
    const [found] = (await http.get('tickets', { query: { key }, schema: z.array(created) })).body
    return found && ticketOf(found.id)
  },
  open: async ({ http, idempotencyKey: key }, { title }) =>
    ticketOf((await http.post('tickets', { key, title }, { schema: created })).body.id),
  update: unsupported,
  comment: unsupported,
  hasComment: unsupported,
  close: unsupported,
})

function ticketOf(id: string) {
  return { id, number: id, url: undefined, state: 'open', isClosed: false }
}

const fakeMessage = defineMessageProvider({
  ...common,
  channel: undefined,
  lookUp: { newest: 'all' },
  async find({ http, idempotencyKey: key }) {
    const [found] = (await http.get('messages', { query: { key }, schema: z.array(created) })).body
    return found
  },
  async post({ http, idempotencyKey: key }, _channel, { title, buttons = [] }) {
    const page = buttons[0] && new URL(buttons[0].url).pathname.replace(/^\/v1\/[a-z-]+\//, '')
    const posting = http.post('messages', { key, text: title, page }, { schema: created })
    if (title === 'bug') await posting.catch(() => Promise.reject(new TypeError('A bug of the provider')))
    const { body } = await posting
    if (title === 'two-writes') await http.put(`messages/${segment(body.id)}`, { text: title })
    return body
  },
  async reply({ http }, { id = '' }, { title }) {
    await http.post(`messages/${segment(id)}/replies`, { text: title })
  },
  async replace({ http }, { id = '' }, { text }) {
    await http.put(`messages/${segment(id)}`, { text })
  },
})

/** A category with the fake providers. */
export const category: Category = {
  name: 'testing',
  summary: 'Tests the lifecycle of tasks',
  actions: {
    'start-run': startJob({ summary: 'Starts a run', silent: 'answers', onDeadline: 'stop' }),
    'start-and-leave': startJob({ summary: 'Starts a run and leaves it at the deadline', silent: 'waits' }),
    'stop-run': stopJob({ summary: 'Stops a run' }),
    'open-ticket': openTicket,
    'update-ticket': updateTicket,
    'close-ticket': closeTicket,
    // The provider posts the message two-writes with two requests. A failure of the message bug provokes a bug.
    'post-message': pushMessage({
      summary: 'Posts a message',
      templates: ['plain', 'two-writes', 'bug'],
      compose: (_context, title = 'plain') => ({ mood: 'neutral', title, fields: [], links: [] }),
    }),
    'ask-approval': requestApproval({
      summary: 'Asks for approval',
      compose: ({ event: { task, data } }) => {
        const links = Object.entries(data.labels).map(([label, url]) => ({ label, url }))
        return { mood: 'waiting', title: task ?? '', fields: [], links }
      },
    }),
  },
  routes: { approvals: async () => pageRoute },
  providers: {
    job: async () => fakeJob,
    queued: async () => queuedJob,
    blind: async () => blindJob,
    attended: async () => attendedJob,
    delegated: async () => delegatedJob,
    ticket: async () => fakeTicket,
    chat: async () => fakeMessage,
  },
}
