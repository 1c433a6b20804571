import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { basic, requireHeader } from '../../../../infra/testing/require-header.ts'
import { type MessageRow, startWith } from '../../../conformance/row.ts'

interface ViewAction {
  action: string
  label: string
  url: string
}

export interface Notification {
  id: string
  time: number
  event: 'message'
  topic: string
  title?: string
  message: string
  priority?: number
  tags?: string[]
  click?: string
  actions?: ViewAction[]
  sequence_id?: string
}

export type NtfyServer = Awaited<ReturnType<typeof startNtfy>>

const TOKEN = 'tk_0123456789abcdefghijklmnopqrs'
const USER = { username: 'röbot', password: 'a-password-of-a-robot' }
const NAME = /^[-_A-Za-z0-9]{1,64}$/
const MAX_BYTES = 4_096
const MAX_BODY_BYTES = 8_192
const MAX_ACTIONS = 3

/** Refuses unknown users. Requests without credentials are anonymous. */
const refuseUnknown = requireHeader(
  'authorization',
  [`Bearer ${TOKEN}`, basic(USER.username, USER.password)],
  refuse(401, 40101, 'unauthorized', 'publish/#authentication'),
)

/**
 * A fake of ntfy 2.11, with the sequences of 2.16.
 *
 * @see https://docs.ntfy.sh/publish/#publish-as-json
 * @see https://github.com/binwiederhier/ntfy/blob/main/server/errors.go
 */
export const startNtfy = definePlatform({
  state: () => ({
    messages: [] as Notification[],
    /** The topics that the user can write. */
    writable: ['deploys', 'approvals'],
  }),
  refuses: (call) => (call.headers.authorization === undefined ? undefined : refuseUnknown(call)),
  routes: {
    'GET /v1/account': ({ headers }) =>
      headers.authorization === undefined ? { username: '*', role: 'anonymous' } : { username: 'robot', role: 'user' },
    'POST /': ({ state, headers, body }) =>
      problemIn(body, headers.authorization === undefined ? [] : state.writable) ?? publish(state.messages, body),
  },
  notFound: refuse(404, 40401, 'page not found'),
  members: ({ messages, writable }) => ({
    token: TOKEN,
    user: USER,
    messages,
    writable,
    /** Returns the visible messages of a topic: the newest of each sequence. */
    shown(topic: string) {
      const found = messages.filter((message) => message.topic === topic)
      return found.filter(
        ({ sequence_id }, index) =>
          sequence_id === undefined || !found.slice(index + 1).some((later) => later.sequence_id === sequence_id),
      )
    },
  }),
})

function refuse(http: number, code: number, error: string, link?: string): Reply {
  return { status: http, body: { code, http, error, link: link && `https://ntfy.sh/docs/${link}` } }
}

function problemIn(body: Partial<Notification>, writable: string[]): Reply | undefined {
  if (Buffer.byteLength(JSON.stringify(body)) > MAX_BODY_BYTES) return refuse(413, 41303, 'JSON body too large')
  const { topic = '', message = '', priority = 3, actions = [], sequence_id = 'default' } = body
  if (!NAME.test(topic)) return refuse(400, 40009, 'invalid request: topic invalid')
  if (!writable.includes(topic)) return refuse(403, 40301, 'forbidden', 'publish/#authentication')
  if (![1, 2, 3, 4, 5].includes(priority))
    return refuse(400, 40007, 'invalid priority parameter', 'publish/#message-priority')
  if (actions.length > MAX_ACTIONS)
    return refuse(400, 40018, 'invalid request: actions invalid; only 3 actions allowed', 'publish/#action-buttons')
  if (actions.some(({ action, label, url }) => action !== 'view' || !label || !url))
    return refuse(400, 40018, "invalid request: actions invalid; parameter 'label' is required")
  if (!NAME.test(sequence_id)) return refuse(400, 40049, 'invalid request: sequence ID invalid')
  // ntfy turns a longer message into an attachment, which this server does not accept.
  if (Buffer.byteLength(message) >= MAX_BYTES)
    return refuse(400, 40014, 'invalid request: attachments not allowed', 'config/#attachments')
  return undefined
}

function publish(messages: Notification[], body: Partial<Notification>): Notification {
  const { topic = '', title, message, priority, tags, click, actions = [], sequence_id } = body
  messages.push({
    id: `message${messages.length + 1}`.padEnd(12, '0'),
    time: Math.floor(Date.now() / 1_000),
    event: 'message',
    topic,
    title: title || undefined,
    message: message?.trim() || 'triggered',
    priority,
    tags,
    click: click || undefined,
    actions: actions.length > 0 ? actions : undefined,
    sequence_id,
  })
  return newestOf(messages)
}

export const messageRow = {
  writes: /^POST /,
  start: startWith(startNtfy, ({ url: baseUrl, token }) => ({ connection: { baseUrl, token, channel: 'deploys' } })),
} satisfies MessageRow
