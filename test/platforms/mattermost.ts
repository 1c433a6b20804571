import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

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

interface MattermostState {
  /** As they were made; an answer does not show what belongs to a button. */
  posts: Post[]
  /** By id. */
  channels: Record<string, { team: string; name: string; member: boolean }>
  users: Record<string, { username: string; email?: string; first_name: string; last_name: string }>
  /** Seconds in which a post may be changed; -1: for ever. */
  editTime: number
}

export interface MattermostServer extends Served {
  token: string
  /** The id of a channel that the bot is in. */
  channel: string
  state: MattermostState
  /** Returns the request that the server sends for a button press of a user. */
  pressButton(action: string, user: string): { url: string; body: string }
}

const bot = 'bot0000000000000000000000b'
export const jane = 'jane000000000000000000000j'
const MAX_RUNES = 16_383
const MAX_PROPS_RUNES = 800_000
const MAX_PAGE = 200

/**
 * Mattermost 10's REST API, as far as posts go.
 *
 * @see https://github.com/mattermost/mattermost/blob/master/server/channels/api4/post.go
 * @see https://github.com/mattermost/mattermost/blob/master/server/channels/app/post.go
 * @see https://github.com/mattermost/mattermost/blob/master/server/public/model/message_attachment.go
 * @see https://github.com/mattermost/mattermost/blob/master/server/channels/app/integration_action.go
 */
export async function startMattermost(): Promise<MattermostServer> {
  const token = 'a-token-of-a-bot-0123456789'
  const channel = 'deploys000000000000000000d'
  const state: MattermostState = {
    posts: [],
    channels: {
      [channel]: { team: 'ops', name: 'deployments', member: true },
      secret000000000000000000000: { team: 'ops', name: 'board', member: false },
    },
    users: {
      [bot]: { username: 'deploy-bot', email: 'bot@localhost', first_name: '', last_name: '' },
      [jane]: { username: 'jane', email: 'jane@example.com', first_name: 'Jane', last_name: 'Doe' },
    },
    editTime: -1,
  }
  const served = await serve((call) => createMattermost(state, token).answer(call))
  return {
    ...served,
    token,
    channel,
    state,
    pressButton(id, user) {
      const post = state.posts.at(-1)
      const action = post?.props.attachments?.flatMap(({ actions = [] }) => actions).find((one) => one.id === id)
      if (!post || !action?.integration) throw new Error(`There is no button ${id}`)
      const { url, context } = action.integration
      const request = {
        user_id: user,
        user_name: state.users[user]?.username ?? '',
        channel_id: post.channel_id,
        channel_name: state.channels[post.channel_id]?.name,
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
  }
}

class Refusal {
  readonly reply: Reply

  constructor(status: number, id: string, message: string) {
    this.reply = { status, body: { id, message, detailed_error: '', request_id: 'abc', status_code: status } }
  }
}

const forbidden = () =>
  new Refusal(403, 'api.context.permissions.app_error', 'You do not have the appropriate permissions.')
const invalid = (name: string) =>
  new Refusal(400, 'api.context.invalid_body_param.app_error', `Invalid or missing ${name} in request body.`)

function createMattermost(state: MattermostState, token: string) {
  function answer(call: Call): Reply {
    try {
      if (call.headers['authorization'] !== `Bearer ${token}`) {
        const message = 'Invalid or expired session, please login again.'
        throw new Refusal(401, 'api.context.session_expired.app_error', message)
      }
      return route(call)
    } catch (refusal) {
      if (refusal instanceof Refusal) return refusal.reply
      throw refusal
    }
  }

  function route({ method, path, query, body }: Call): Reply {
    const [api, version, kind, id = '', ...rest] = path.split('/').slice(1)
    if (api === 'api' && version === 'v4') {
      const [what] = rest
      if (kind === 'users' && method === 'GET' && (id === 'username' || id === 'email')) return findUser(id, what)
      if (kind === 'users' && method === 'GET') return userResponse(id === 'me' ? bot : id)
      if (kind === 'teams' && id === 'name') return findChannel(rest[0], rest[3])
      if (kind === 'posts' && id === '' && method === 'POST') return create(body as Partial<Post>)
      if (kind === 'posts' && what === 'patch' && method === 'PUT') return patch(id, body as Partial<Post>)
      if (kind === 'channels' && what === 'posts' && method === 'GET') return list(id, query)
    }
    throw new Refusal(404, 'api.context.404.app_error', 'Sorry, we could not find the page.')
  }

  function findUser(name: 'username' | 'email', value = ''): Reply {
    const wanted = decodeURIComponent(value)
    const found = Object.entries(state.users).find(([, user]) => user[name] === wanted)
    return userResponse(found?.[0] ?? '')
  }

  function userResponse(id: string): Reply {
    const user = state.users[id]
    if (!user) throw new Refusal(404, 'app.user.missing_account.const', 'Unable to find the user.')
    return ok({ id, ...user, nickname: '', roles: 'system_user' })
  }

  function findChannel(team: string | undefined, name: string | undefined): Reply {
    const found = Object.entries(state.channels).find(([, one]) => one.team === team && one.name === name)
    if (!found) throw new Refusal(404, 'app.channel.get_by_name.missing.app_error', 'Channel does not exist.')
    return ok({ id: found[0], name, type: 'O' })
  }

  function create({
    channel_id = '',
    root_id = '',
    message = '',
    props = {},
    pending_post_id = '',
  }: Partial<Post>): Reply {
    if (!state.channels[channel_id]?.member) throw forbidden()
    const seen = pending_post_id && state.posts.find((post) => post.pending_post_id === pending_post_id)
    if (seen) return { status: 201, body: shown(seen) }
    const root = state.posts.find(({ id }) => id === root_id)
    if (root_id && (!root || root.root_id || root.channel_id !== channel_id))
      throw new Refusal(400, 'api.post.create_post.root_id.app_error', 'Invalid RootId parameter.')
    check(message, props)
    const at = Date.now()
    const post: Post = {
      id: `post${String(state.posts.length + 1).padStart(22, '0')}`,
      ...{ create_at: at, update_at: at, edit_at: 0, delete_at: 0, is_pinned: false },
      user_id: bot,
      ...{ channel_id, root_id, message, props: { from_bot: 'true', ...props }, pending_post_id },
      ...{ original_id: '', type: '', hashtags: '' },
    }
    state.posts.push(post)
    return { status: 201, body: shown(post) }
  }

  function patch(id: string, { message, props }: Partial<Post>): Reply {
    const post = state.posts.find((one) => one.id === id)
    if (!post) throw forbidden()
    const { editTime } = state
    if (editTime >= 0 && Date.now() - post.create_at >= editTime * 1_000) {
      const text = `Post edit is only allowed for ${editTime} seconds. Please ask your System Administrator for details.`
      throw new Refusal(400, 'api.post.update_post.permissions_time_limit.app_error', text)
    }
    check(message ?? post.message, props ?? post.props)
    post.message = message ?? post.message
    post.props = props ?? post.props
    post.edit_at = Date.now()
    return ok(shown(post))
  }

  function list(channel: string, query: URLSearchParams): Reply {
    if (!state.channels[channel]?.member) throw forbidden()
    const perPage = Math.min(Number(query.get('per_page') ?? 60), MAX_PAGE)
    const first = Number(query.get('page') ?? 0) * perPage
    const newest = state.posts.filter(({ channel_id }) => channel_id === channel).reverse()
    const page = newest.slice(first, first + perPage)
    const posts = Object.fromEntries(page.map((post) => [post.id, shown(post)]))
    return ok({ order: page.map(({ id }) => id), posts, next_post_id: '', prev_post_id: '', has_next: false })
  }

  return { answer }
}

/** Removes the parts of a button that only the server sees. */
function shown(post: Post): Post {
  const attachments = post.props.attachments?.map((attachment) => ({
    ...attachment,
    ...(attachment.actions ? { actions: attachment.actions.map(({ integration, ...action }) => action) } : {}),
  }))
  return { ...post, props: { ...post.props, ...(attachments ? { attachments } : {}) } }
}

/** The server still takes attachments that are not valid, and says that it will not for ever. */
function check(message: string, props: Post['props']): void {
  if ([...message].length > MAX_RUNES) {
    const text = `Post Message property is longer than the maximum permitted length.`
    throw new Refusal(400, 'model.post.is_valid.message_length.app_error', text)
  }
  if ([...JSON.stringify(props)].length > MAX_PROPS_RUNES)
    throw new Refusal(400, 'model.post.is_valid.props.app_error', 'Invalid props.')
  const { attachments = [] } = props
  if (message === '' && attachments.length === 0) throw invalid('message')
  for (const { color = '', fields = [], actions = [] } of attachments) {
    if (!/^(?:good|warning|danger|#[0-9a-f]{6}|)$/i.test(color)) throw invalid('color')
    if (fields.some(({ value }) => typeof value !== 'string')) throw invalid('value')
    for (const { id, type, name, style = 'default', integration } of actions) {
      const styled = /^(?:default|primary|success|good|warning|danger|#[0-9a-f]{6})$/i.test(style)
      if (!/^[A-Za-z0-9]+$/.test(id) || !name || type !== 'button' || !styled) throw invalid('actions')
      if (!/^https?:\/\//.test(integration?.url ?? '')) throw invalid('integration')
    }
  }
}
