import { type Call, type Reply, type Served, serve } from '../loopback-server.ts'

interface Strategy {
  id: string
  name: string
  title: string | null
  disabled: boolean
  sortOrder: number
  parameters: Record<string, string>
  constraints: unknown[]
  variants: unknown[]
  segments: number[]
}

interface InEnvironment {
  enabled: boolean
  strategies: Strategy[]
}

interface Flag {
  archived: boolean
  environments: Record<string, InEnvironment>
}

interface Change {
  feature: string
  action: string
  payload: Record<string, unknown>
}

interface ChangeRequest {
  id: number
  title: string
  environment: string
  state: 'Draft' | 'In review' | 'Approved' | 'Scheduled' | 'Applied' | 'Cancelled' | 'Rejected'
  createdBy: string
  changes: Change[]
  rejections: string[]
  comments: { text: string; by: string }[]
  schedule?: { scheduledAt: string; status: string; reason?: string }
}

interface UnleashState {
  flags: Record<string, Flag>
  requests: ChangeRequest[]
  /** Environments in which nothing may be changed but by change requests. */
  guarded: string[]
  /** Whether the robot may apply what others approved. */
  mayApply: boolean
}

export interface UnleashServer extends Served {
  token: string
  /** Of somebody who may look, and change nothing. */
  viewerToken: string
  state: UnleashState
}

/**
 * Unleash as its admin API answers: the flags as a real 8.2 does (`test/fixtures/unleash`), the change requests as the
 * OpenAPI document of Enterprise and its interface say.
 *
 * @see https://docs.getunleash.io/api/overview
 */
export async function startUnleash(): Promise<UnleashServer> {
  const token = 'user:robot-0123456789abcdef'
  const viewerToken = 'user:viewer-0123456789abcdef'
  const state: UnleashState = { flags: {}, requests: [], guarded: [], mayApply: true }
  const people: Record<string, string> = { [token]: 'robot', [viewerToken]: 'viewer' }
  const served = await serve((call) => new Unleash(state, people).answer(call))
  for (const [name, rollout] of [
    ['checkout-v2', '25'],
    ['slow-recommendations', '100'],
    ['bare', undefined],
  ] as const) {
    const strategies = () => (rollout === undefined ? [] : [gradual(name, rollout)])
    state.flags[name] = {
      archived: false,
      environments: {
        development: { enabled: rollout !== undefined, strategies: strategies() },
        production: { enabled: name === 'slow-recommendations', strategies: strategies() },
      },
    }
  }
  return { ...served, token, viewerToken, state }
}

let made = 0

/** The strategy that rolls out by percentage. */
export function gradual(flag: string, rollout: string, more: Partial<Strategy> = {}): Strategy {
  made += 1
  return {
    id: `strategy-${made}`,
    name: 'flexibleRollout',
    title: null,
    disabled: false,
    sortOrder: 0,
    parameters: { groupId: flag, rollout, stickiness: 'default' },
    constraints: [],
    variants: [],
    segments: [],
    ...more,
  }
}

class Refusal {
  readonly reply: Reply

  constructor(status: number, name: string, message: string) {
    this.reply = { status, body: { name, message, details: [{ message }] } }
  }
}

const missing = (message: string) => new Refusal(404, 'NotFoundError', message)
const invalid = (message: string) => new Refusal(400, 'BadDataError', message)
const permission = (name: string) =>
  new Refusal(
    403,
    'PermissionError',
    `You don't have the required permissions to perform this operation. To perform this action, you need the "${name}" permission.`,
  )

class Unleash {
  readonly #state: UnleashState
  readonly #people: Record<string, string>

  constructor(state: UnleashState, people: Record<string, string>) {
    this.#state = state
    this.#people = people
  }

  answer(call: Call): Reply {
    try {
      const person = this.#people[String(call.headers['authorization'])]
      if (!person) throw new Refusal(401, 'UnauthorizedError', 'You must log in to use Unleash.')
      return this.#route(call, person)
    } catch (refusal) {
      if (refusal instanceof Refusal) return refusal.reply
      throw refusal
    }
  }

  #route({ method, path, body }: Call, person: string): Reply {
    if (method === 'GET' && path === '/api/admin/user') return { status: 200, body: { user: { username: person } } }
    const [, project = '', rest = ''] = /^\/api\/admin\/projects\/([^/]+)\/(.*)$/.exec(path) ?? []
    const parts = rest.split('/')
    const [first, name = '', ...more] = parts
    if (method !== 'GET' && method !== 'POST' && method !== 'PUT') throw missing(`The path (${path}) is not available.`)
    if (method !== 'GET' && person === 'viewer') throw permission('UPDATE_FEATURE_ENVIRONMENT')
    if (first === 'features') return this.#features(method, project, name, more, body)
    if (first === 'environments' && more[0] === 'change-requests') return this.#ask(person, name, body as Change[])
    if (first === 'change-requests') return this.#changeRequests(method, person, [name, ...more], body)
    throw missing(`The path you were looking for (${path}) is not available.`)
  }

  #features(method: string, project: string, name: string, more: string[], body: unknown): Reply {
    const flag = this.#state.flags[name]
    if (!flag || project !== 'default') {
      const elsewhere = flag ? `, but there's a feature with that name in project "default"` : '.'
      throw missing(`There's no feature named "${name}" in project "${project}"${elsewhere}`)
    }
    const [environments, environment = '', what, id] = more
    if (environments === undefined && method === 'GET') {
      if (flag.archived) throw missing(`Could not find feature flag with name ${name}`)
      const shown = Object.entries(flag.environments).map(([name, held]) => ({ name, type: name, ...held }))
      return { status: 200, body: { name, project, archived: false, stale: false, environments: shown } }
    }
    if (flag.archived)
      throw new Refusal(400, 'ArchivedFeatureError', 'Cannot perform this operation on archived features')
    const there = flag.environments[environment]
    // Whoever is no admin has no permission in an environment that is not there.
    if (!there) throw permission('UPDATE_FEATURE_ENVIRONMENT')
    if (this.#state.guarded.includes(environment)) throw permission('SKIP_CHANGE_REQUEST')
    if (method === 'POST' && (what === 'on' || what === 'off')) {
      this.#enable(name, there, what === 'on')
      return { status: 200 }
    }
    if (what !== 'strategies' || method === 'GET') throw missing('The path you were looking for is not available.')
    return { status: 200, body: this.#strategy(name, there, id, body as Record<string, unknown>) }
  }

  /** A flag that is on for nobody would be of no use: Unleash gives it to all. */
  #enable(name: string, there: InEnvironment, enabled: boolean): void {
    there.enabled = enabled
    if (enabled && there.strategies.every(({ disabled }) => disabled)) there.strategies.push(gradual(name, '100'))
  }

  #strategy(flag: string, there: InEnvironment, id: string | undefined, body: Record<string, unknown>): Strategy {
    const { parameters = {}, ...given } = body
    for (const [name, value] of Object.entries(parameters as object)) {
      if (typeof value === 'string') continue
      throw invalid(`The \`/body/parameters/${name}\` property must be string. You sent ${value}.`)
    }
    const before = id === undefined ? undefined : there.strategies.find((one) => one.id === id)
    if (id !== undefined && !before) throw missing(`Could not find strategy with id=${id}`)
    const fresh = gradual(flag, '100', {
      title: before?.title ?? null,
      disabled: before?.disabled ?? false,
      sortOrder: before?.sortOrder ?? there.strategies.length,
    })
    const after = { ...fresh, ...given, parameters: { ...fresh.parameters, ...(parameters as object) } } as Strategy
    after.id = before?.id ?? fresh.id
    if (before) there.strategies.splice(there.strategies.indexOf(before), 1, after)
    else there.strategies.push(after)
    return after
  }

  /** What one user has open in an environment takes up whatever that user asks for, and loses its approvals. */
  #ask(person: string, environment: string, changes: Change[]): Reply {
    for (const { feature } of changes) if (!this.#state.flags[feature]) throw missing(`No feature ${feature}`)
    const open = this.#open(person).find((one) => one.environment === environment)
    const id = this.#state.requests.length + 1
    const title = `Change request #${id}`
    const fresh: ChangeRequest = {
      id,
      title,
      environment,
      state: 'Draft',
      createdBy: person,
      changes: [],
      rejections: [],
      comments: [],
    }
    const request = open ?? fresh
    if (!open) this.#state.requests.push(request)
    if (request.state === 'Approved') request.state = 'In review'
    request.changes.push(...structuredClone(changes))
    return { status: 200, body: this.#shown(request) }
  }

  #open(person: string): ChangeRequest[] {
    const open = ['Draft', 'In review', 'Approved', 'Scheduled']
    return this.#state.requests.filter(({ createdBy, state }) => createdBy === person && open.includes(state))
  }

  #changeRequests(method: string, person: string, [id, what]: string[], body: unknown): Reply {
    if (id === 'pending') return { status: 200, body: this.#open(person).map((one) => this.#shown(one)) }
    const request = this.#state.requests.find((one) => String(one.id) === id)
    if (!request) throw missing(`Could not find change request with id: ${id}`)
    if (method === 'GET' && what === undefined) return { status: 200, body: this.#shown(request) }
    const { title, state, comment } = body as { title?: string; state?: ChangeRequest['state']; comment?: string }
    if (what === 'title' && title) {
      request.title = title
      return { status: 200 }
    }
    if (what !== 'state' || !state) throw invalid('The request payload does not conform to the schema.')
    const onward = { 'In review': 'Draft', Applied: 'Approved' } as Record<string, string>
    if (onward[state] !== request.state) throw invalid(`Cannot change state from ${request.state} to ${state}`)
    if (state === 'Applied') this.#apply(request)
    request.state = state
    if (comment) request.comments.push({ text: comment, by: person })
    return { status: 200, body: { state } }
  }

  #apply({ environment, changes }: ChangeRequest): void {
    if (!this.#state.mayApply) throw permission('APPLY_CHANGE_REQUEST')
    for (const { feature, action, payload } of changes) {
      const there = this.#state.flags[feature]?.environments[environment]
      if (!there) throw missing(`Could not find ${feature}`)
      const { id, ...body } = payload
      if (action === 'updateEnabled') this.#enable(feature, there, payload['enabled'] === true)
      else this.#strategy(feature, there, action === 'updateStrategy' ? String(id) : undefined, body)
    }
  }

  #shown({ changes, rejections, comments, createdBy, ...request }: ChangeRequest) {
    const at = '2026-11-24T15:01:48.000Z'
    const signed = (username: string) => ({ createdBy: { username, imageUrl: null }, createdAt: at })
    const names = [...new Set(changes.map(({ feature }) => feature))]
    return {
      ...request,
      project: 'default',
      minApprovals: 1,
      ...signed(createdBy),
      stateTimestamps: {},
      segments: [],
      approvals: [],
      rejections: rejections.map(signed),
      comments: comments.map(({ text, by }) => ({ text, ...signed(by) })),
      features: names.map((name) => ({
        name,
        changes: changes
          .filter(({ feature }) => feature === name)
          .map(({ action, payload }, at) => ({ id: at + 1, action, payload })),
      })),
    }
  }
}
