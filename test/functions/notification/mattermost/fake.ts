import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import type { Reply } from '../../../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../../../infra/testing/require-header.ts'
import { type MessageRow, startWith } from '../../../conformance/row.ts'

interface Action {
  id: string
  type: string
  name: string
  style?: string
  integration?: { url: string; context: Record<string, unknown> }
}

interface Attachment {
  fallback?: string
  color?: string
  title?: string
  text?: string
  fields?: { title: string; value: string; short: boolean }[]
  actions?: Action[]
}

interface Post {
  id: string
  create_at: number
  update_at: number
  edit_at: number
  delete_at: number
  is_pinned: boolean
  user_id: string
  channel_id: string
  root_id: string
  original_id: string
  message: string
  type: string
  props: { attachments?: Attachment[]; [name: string]: unknown }
  hashtags: string
  pending_post_id: string
}

interface User {
  username: string
  email?: string
  first_name: string
  last_name: string
}

export type MattermostServer = Awaited<ReturnType<typeof startMattermost>>
type State = ReturnType<typeof initial>

export const jane = 'jane000000000000000000000j'
const TOKEN = 'a-token-of-a-bot-0123456789'
const CHANNEL = 'deploys000000000000000000d'
const BOT = 'bot0000000000000000000000b'
const MAX_RUNES = 16_383
const MAX_PROPS_RUNES = 800_000
const MAX_PAGE = 200
const COLOR = /^(?:good|warning|danger|#[0-9a-f]{6}|)$/i
const STYLE = /^(?:default|primary|success|good|warning|danger|#[0-9a-f]{6})$/i
const FORBIDDEN = refuse(403, 'api.context.permissions.app_error', 'You do not have the appropriate permissions.')

const initial = () => ({
  /** The posts with all parts of their buttons. Responses do not show the parts that only the server needs. */
  posts: [] as Post[],
  /** Channels by id. */
  channels: {
    [CHANNEL]: { team: 'ops', name: 'deployments', member: true },
    secret000000000000000000000: { team: 'ops', name: 'board', member: false },
  } as Record<string, { team: string; name: string; member: boolean }>,
  users: {
    [BOT]: { username: 'deploy-bot', email: 'bot@localhost', first_name: '', last_name: '' },
    [jane]: { username: 'jane', email: 'jane@example.com', first_name: 'Jane', last_name: 'Doe' },
  } as Record<string, User>,
  /** Seconds in which a post can be edited. -1 removes the limit. */
  editTime: -1,
})

/**
 * A fake of the posts in the REST API of Mattermost 10.
 *
 * @see https://github.com/mattermost/mattermost/blob/master/server/channels/api4/post.go
 * @see https://github.com/mattermost/mattermost/blob/master/server/channels/app/post.go
 * @see https://github.com/mattermost/mattermost/blob/master/server/public/model/message_attachment.go
 * @see https://github.com/mattermost/mattermost/blob/master/server/channels/app/integration_action.go
 */
export const startMattermost = definePlatform({
  base: '/api/v4',
  state: initial,
  refuses: requireHeader(
    'authorization',
    `Bearer ${TOKEN}`,
    refuse(401, 'api.context.session_expired.app_error', 'Invalid or expired session, please login again.'),
  ),
  routes: {
    'GET /users/me': ({ state }) => findUser(state, ([id]) => id === BOT),
    'GET /users/{id}': ({ state, params }) => findUser(state, ([id]) => id === params.id),
    'GET /users/username/{name}': ({ state, params }) =>
      findUser(state, ([, { username }]) => username === params.name),
    'GET /users/email/{address}': ({ state, params }) => findUser(state, ([, { email }]) => email === params.address),
    'GET /teams/name/{team}/channels/name/{channel}': ({ state, params: { team, channel } }) => {
      const found = Object.entries(state.channels).find(([, other]) => other.team === team && other.name === channel)
      if (!found) return refuse(404, 'app.channel.get_by_name.missing.app_error', 'Channel does not exist.')
      return { id: found[0], name: channel, type: 'O' }
    },
    'GET /channels/{id}/posts': ({ state, params, query }) => list(state, params.id, query),
    'POST /posts': ({ state, body }) => create(state, body),
    'PUT /posts/{id}/patch': ({ state, params, body }) => patch(state, params.id, body),
  },
  notFound: refuse(404, 'api.context.404.app_error', 'Sorry, we could not find the page.'),
  members: ({ posts, users, channels }) => ({
    token: TOKEN,
    /** The id of a channel with the bot as a member. */
    channel: CHANNEL,
    /** Returns the request that the server sends for a button press of a user. */
    pressButton(id: string, user: string): { url: string; body: string } {
      const post = posts.at(-1)
      const action = post?.props.attachments?.flatMap(({ actions = [] }) => actions).find((action) => action.id === id)
      if (!post || !action?.integration) throw new Error(`There is no button ${id}`)
      const { url, context } = action.integration
      const request = {
        user_id: user,
        user_name: users[user]?.username ?? '',
        channel_id: post.channel_id,
        channel_name: channels[post.channel_id]?.name,
        team_id: 'team000000000000000000000t',
        team_domain: 'ops',
        post_id: post.id,
        trigger_id: 'dHJpZ2dlcg==',
        type: action.type,
        data_source: '',
        context,
      }
      return { url, body: JSON.stringify(request) }
    },
  }),
})

function refuse(status: number, id: string, message: string): Reply {
  return { status, body: { id, message, detailed_error: '', request_id: 'abc', status_code: status } }
}

function invalid(name: string): Reply {
  return refuse(400, 'api.context.invalid_body_param.app_error', `Invalid or missing ${name} in request body.`)
}

function findUser({ users }: State, matches: (entry: [string, User]) => boolean): object {
  const [id, user] = Object.entries(users).find(matches) ?? []
  if (!user) return refuse(404, 'app.user.missing_account.const', 'Unable to find the user.')
  return { id, ...user, nickname: '', roles: 'system_user' }
}

function create({ posts, channels }: State, input: Partial<Post>): Reply {
  const { channel_id = '', root_id = '', message = '', props = {}, pending_post_id = '' } = input
  if (!channels[channel_id]?.member) return FORBIDDEN
  const duplicate = pending_post_id && posts.find((post) => post.pending_post_id === pending_post_id)
  if (duplicate) return { status: 201, body: toResponse(duplicate) }
  const root = posts.find(({ id }) => id === root_id)
  if (root_id && (!root || root.root_id || root.channel_id !== channel_id))
    return refuse(400, 'api.post.create_post.root_id.app_error', 'Invalid RootId parameter.')
  const refusal = refuseContent(message, props)
  if (refusal) return refusal
  const now = Date.now()
  const post: Post = {
    id: `post${String(posts.length + 1).padStart(22, '0')}`,
    create_at: now,
    update_at: now,
    edit_at: 0,
    delete_at: 0,
    is_pinned: false,
    user_id: BOT,
    channel_id,
    root_id,
    message,
    props: { from_bot: 'true', ...props },
    pending_post_id,
    original_id: '',
    type: '',
    hashtags: '',
  }
  posts.push(post)
  return { status: 201, body: toResponse(post) }
}

function patch({ posts, editTime }: State, id: string, input: Partial<Post>): object {
  const post = posts.find((post) => post.id === id)
  if (!post) return FORBIDDEN
  if (editTime >= 0 && Date.now() - post.create_at >= editTime * 1_000) {
    const text = `Post edit is only allowed for ${editTime} seconds. Please ask your System Administrator for details.`
    return refuse(400, 'api.post.update_post.permissions_time_limit.app_error', text)
  }
  const { message = post.message, props = post.props } = input
  const refusal = refuseContent(message, props)
  if (refusal) return refusal
  Object.assign(post, { message, props, edit_at: Date.now() })
  return toResponse(post)
}

function list({ posts, channels }: State, channel: string, query: URLSearchParams): object {
  if (!channels[channel]?.member) return FORBIDDEN
  const perPage = Math.min(Number(query.get('per_page') ?? 60), MAX_PAGE)
  const first = Number(query.get('page') ?? 0) * perPage
  const newest = posts.filter(({ channel_id }) => channel_id === channel).reverse()
  const page = newest.slice(first, first + perPage)
  return {
    order: page.map(({ id }) => id),
    posts: Object.fromEntries(page.map((post) => [post.id, toResponse(post)])),
    next_post_id: '',
    prev_post_id: '',
    has_next: false,
  }
}

/** Removes the parts of a button that only the server sees. */
function toResponse(post: Post): Post {
  if (!post.props.attachments) return post
  const attachments = post.props.attachments.map((attachment) => ({
    ...attachment,
    ...(attachment.actions ? { actions: attachment.actions.map(({ integration: _, ...action }) => action) } : {}),
  }))
  return { ...post, props: { ...post.props, attachments } }
}

/** Refuses attachments that are not valid. The server accepts them, and warns that this will change. */
function refuseContent(message: string, props: Post['props']): Reply | undefined {
  if ([...message].length > MAX_RUNES) {
    const text = 'Post Message property is longer than the maximum permitted length.'
    return refuse(400, 'model.post.is_valid.message_length.app_error', text)
  }
  if ([...JSON.stringify(props)].length > MAX_PROPS_RUNES)
    return refuse(400, 'model.post.is_valid.props.app_error', 'Invalid props.')
  const { attachments = [] } = props
  if (message === '' && attachments.length === 0) return invalid('message')
  for (const { color = '', fields = [], actions = [] } of attachments) {
    if (!COLOR.test(color)) return invalid('color')
    if (fields.some(({ value }) => typeof value !== 'string')) return invalid('value')
    for (const { id, type, name, style = 'default', integration } of actions) {
      if (!/^[A-Za-z0-9]+$/.test(id) || !name || type !== 'button' || !STYLE.test(style)) return invalid('actions')
      if (!/^https?:\/\//.test(integration?.url ?? '')) return invalid('integration')
    }
  }
  return undefined
}

export const messageRow = {
  writes: /^POST .*\/posts$/,
  start: startWith(startMattermost, ({ url: baseUrl, token, channel }) => ({
    connection: { baseUrl, token, channel },
  })),
} satisfies MessageRow
