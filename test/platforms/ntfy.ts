import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

interface ViewAction {
  action: string
  label: string
  url: string
}

interface Notification {
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

export interface NtfyServer extends Served {
  token: string
  user: { username: string; password: string }
  /** The access of topics: write, read, or none. */
  writable: string[]
  messages: Notification[]
  /** The visible messages of a topic: the newest of each sequence. */
  shown(topic: string): Notification[]
}

const MAX_BYTES = 4_096
const largestBody = 8_192
const MAX_ACTIONS = 3

/**
 * ntfy, as a real 2.11 answers, with the sequences of 2.16.
 *
 * @see https://docs.ntfy.sh/publish/#publish-as-json
 * @see https://github.com/binwiederhier/ntfy/blob/main/server/errors.go
 */
export async function startNtfy(): Promise<NtfyServer> {
  const token = 'tk_0123456789abcdefghijklmnopqrs'
  const user = { username: 'röbot', password: 'a-password-of-a-robot' }
  const writable = ['deploys', 'approvals']
  const messages: Notification[] = []
  const basic = `Basic ${Buffer.from(`${user.username}:${user.password}`).toString('base64')}`
  const served = await serve((call) => {
    const { authorization } = call.headers
    if (authorization !== undefined && authorization !== `Bearer ${token}` && authorization !== basic)
      return refuse(401, 40101, 'unauthorized', 'publish/#authentication')
    return answer(call, { anonymous: authorization === undefined, writable, messages })
  })
  return {
    ...served,
    ...{ token, user, writable, messages },
    shown(topic) {
      const ofTopic = messages.filter((one) => one.topic === topic)
      return ofTopic.filter(
        (one, at) =>
          one.sequence_id === undefined ||
          !ofTopic.slice(at + 1).some(({ sequence_id }) => sequence_id === one.sequence_id),
      )
    },
  }
}

function refuse(http: number, code: number, error: string, link?: string): Reply {
  return { status: http, body: { code, http, error, ...(link ? { link: `https://ntfy.sh/docs/${link}` } : {}) } }
}

interface Held {
  anonymous: boolean
  writable: string[]
  messages: Notification[]
}

function answer({ method, path, body }: Call, { anonymous, writable, messages }: Held): Reply {
  if (method === 'GET' && path === '/v1/account')
    return ok(anonymous ? { username: '*', role: 'anonymous' } : { username: 'robot', role: 'user' })
  if (method !== 'POST' || path !== '/') return refuse(404, 40401, 'page not found')
  if (Buffer.byteLength(JSON.stringify(body)) > largestBody) return refuse(413, 41303, 'JSON body too large')
  const { topic, title, message, priority, tags, click, actions = [], sequence_id } = body as Partial<Notification>
  if (!/^[-_A-Za-z0-9]{1,64}$/.test(topic ?? '')) return refuse(400, 40009, 'invalid request: topic invalid')
  if (anonymous || !writable.includes(String(topic))) return refuse(403, 40301, 'forbidden', 'publish/#authentication')
  if (priority !== undefined && ![1, 2, 3, 4, 5].includes(priority))
    return refuse(400, 40007, 'invalid priority parameter', 'publish/#message-priority')
  if (actions.length > MAX_ACTIONS)
    return refuse(400, 40018, 'invalid request: actions invalid; only 3 actions allowed', 'publish/#action-buttons')
  if (actions.some(({ action, label, url }) => action !== 'view' || !label || !url))
    return refuse(400, 40018, "invalid request: actions invalid; parameter 'label' is required")
  if (sequence_id !== undefined && !/^[-_A-Za-z0-9]{1,64}$/.test(sequence_id))
    return refuse(400, 40049, 'invalid request: sequence ID invalid')
  // ntfy turns a longer message into an attachment, which this server does not accept.
  if (Buffer.byteLength(message ?? '') >= MAX_BYTES)
    return refuse(400, 40014, 'invalid request: attachments not allowed', 'config/#attachments')
  const made: Notification = {
    id: `message${messages.length + 1}`.padEnd(12, '0'),
    time: Math.floor(Date.now() / 1_000),
    event: 'message',
    topic: String(topic),
    ...(title ? { title } : {}),
    message: message?.trim() || 'triggered',
    ...(priority ? { priority } : {}),
    ...(tags ? { tags } : {}),
    ...(click ? { click } : {}),
    ...(actions.length > 0 ? { actions } : {}),
    ...(sequence_id ? { sequence_id } : {}),
  }
  messages.push(made)
  return ok(made)
}
