import { isObject } from '../sandbox/http.ts'
import type { Store } from '../sandbox/store.ts'
import { UnleashError } from './errors.ts'
import { environments, type Flags, project } from './flags.ts'

export interface Person {
  id: number
  username: string
  imageUrl: string
}

type State = 'Draft' | 'In review' | 'Approved' | 'Applied' | 'Rejected' | 'Cancelled'

interface Change {
  id: number
  action: string
  payload: Record<string, unknown>
  createdBy: Person
  createdAt: string
}

/** The fields have Unleash's own names (changeRequestSchema of its OpenAPI document). */
export interface ChangeRequest {
  id: number
  title: string
  environment: string
  minApprovals: number
  project: string
  features: { name: string; changes: Change[] }[]
  segments: never[]
  approvals: { createdBy: Person; createdAt: string }[]
  rejections: { createdBy: Person; createdAt: string }[]
  comments: { id: number; text: string; createdBy: Person; createdAt: string }[]
  createdBy: Person
  createdAt: string
  stateTimestamps: Record<string, string>
  state: State
}

/** Change requests in the sandbox's database; what may not be is refused with UnleashError. */
export interface ChangeRequests {
  all(): ChangeRequest[]
  get(inProject: string, id: string): ChangeRequest
  /** Those that may still become something. */
  pending(): ChangeRequest[]
  /** Adds to what the person has pending in the environment, or begins a draft. */
  add(person: Person, environment: string, changes: unknown): ChangeRequest
  move(request: ChangeRequest, person: Person, state: unknown, comment: unknown): ChangeRequest
  rename(request: ChangeRequest, title: unknown): void
  comment(request: ChangeRequest, person: Person, text: unknown): void
}

const next: Record<State, State[]> = {
  Draft: ['In review', 'Cancelled'],
  'In review': ['Draft', 'Approved', 'Rejected', 'Cancelled'],
  Approved: ['Applied', 'Rejected', 'Cancelled'],
  Rejected: ['Cancelled'],
  Applied: [],
  Cancelled: [],
}

/**
 * Plays change requests, which only Unleash Enterprise has: a draft is sent to review, approved by somebody else and then
 * applied, and every change of what is approved has to be approved again. The fields are those of Unleash's own OpenAPI
 * document, and the rules those of its documentation; the words of refusals are ours.
 *
 * @see https://docs.getunleash.io/concepts/change-requests
 */
export function createChangeRequests(store: Store, flags: Flags): ChangeRequests {
  const now = () => new Date().toISOString()
  const all = () =>
    store
      .all<{ request: string }>('SELECT request FROM change_requests ORDER BY id')
      .map(({ request }): ChangeRequest => JSON.parse(request))
  const save = (request: ChangeRequest) => {
    store.run('INSERT OR REPLACE INTO change_requests (id, request) VALUES (?, ?)', request.id, JSON.stringify(request))
    return request
  }
  const enter = (request: ChangeRequest, state: State) => {
    request.state = state
    request.stateTimestamps[state] = now()
  }

  function begin(person: Person, environment: string): ChangeRequest {
    const id = (all().at(-1)?.id ?? 0) + 1
    const createdAt = now()
    return {
      id,
      title: `Change request #${id}`,
      environment,
      minApprovals: 1,
      project,
      features: [],
      segments: [],
      approvals: [],
      rejections: [],
      comments: [],
      createdBy: person,
      createdAt,
      stateTimestamps: { Draft: createdAt },
      state: 'Draft',
    }
  }

  function apply({ environment, features }: ChangeRequest): void {
    for (const { name, changes } of features) {
      for (const { action, payload } of changes) {
        const flag = flags.get(project, name)
        if (action === 'updateEnabled') flags.setEnabled(flag, environment, payload['enabled'] === true)
        else if (action === 'addStrategy') flags.addStrategy(flag, environment, payload)
        else flags.changeStrategy(flag, environment, String(payload['id']), payload)
      }
    }
  }

  const requests: ChangeRequests = {
    all,

    get(inProject, id) {
      const found = inProject === project ? all().find((request) => String(request.id) === id) : undefined
      if (!found) throw new UnleashError(404, `Could not find change request with id: ${id}`)
      return found
    },

    pending: () => all().filter(({ state }) => ['Draft', 'In review', 'Approved'].includes(state)),

    add(person, environment, given) {
      if (!environments.some(({ name, guarded }) => name === environment && guarded)) {
        throw new UnleashError(400, `Change requests are not enabled in the environment ${environment}`)
      }
      const changes = (Array.isArray(given) ? given : [given]).map(readChange)
      for (const { feature } of changes) flags.get(project, feature)
      const own = ({ createdBy, environment: where }: ChangeRequest) =>
        createdBy.id === person.id && where === environment
      const request = requests.pending().findLast(own) ?? begin(person, environment)
      if (request.state === 'Approved') {
        enter(request, 'In review')
        request.approvals = []
      }
      let id = request.features.flatMap(({ changes }) => changes).length
      for (const { feature: name, action, payload } of changes) {
        id += 1
        const change = { id, action, payload, createdBy: person, createdAt: now() }
        const feature = request.features.find((one) => one.name === name)
        if (feature) feature.changes.push(change)
        else request.features.push({ name, changes: [change] })
      }
      return save(request)
    },

    move(request, person, asked, comment) {
      const state = next[request.state].find((one) => one === asked)
      if (!state) throw new UnleashError(400, `A change request can not go from ${request.state} to ${asked}`)
      const signed = { createdBy: person, createdAt: now() }
      if (state === 'Approved' || state === 'Rejected') {
        if (person.id === request.createdBy.id) {
          throw new UnleashError(403, 'You can not review a change request that you have made yourself')
        }
        request[state === 'Approved' ? 'approvals' : 'rejections'].push(signed)
      }
      if (state === 'Applied') apply(request)
      enter(request, state)
      if (typeof comment === 'string' && comment) requests.comment(request, person, comment)
      return save(request)
    },

    rename(request, title) {
      if (typeof title !== 'string' || title === '') throw required('title')
      save({ ...request, title })
    },

    comment(request, person, text) {
      if (typeof text !== 'string' || text === '') throw required('text')
      request.comments.push({ id: request.comments.length + 1, text, createdBy: person, createdAt: now() })
      save(request)
    },
  }
  return requests
}

interface AskedChange {
  feature: string
  action: string
  payload: Record<string, unknown>
}

/** One change of a body, as changeRequestOneOrManyCreateSchema has it; of its kinds only those of a flag's rollout. */
function readChange(given: unknown): AskedChange {
  if (!isObject(given)) throw new UnleashError(400, 'The `/body` property must be object.', '/body')
  const { feature, action, payload } = given
  if (typeof feature !== 'string') throw required('feature')
  if (!isObject(payload)) throw required('payload')
  if (action === 'updateEnabled' && typeof payload['enabled'] !== 'boolean') throw required('payload/enabled')
  if (action === 'addStrategy' && typeof payload['name'] !== 'string') throw required('payload/name')
  if (action === 'updateStrategy' && typeof payload['id'] !== 'string') throw required('payload/id')
  if (action !== 'updateEnabled' && action !== 'addStrategy' && action !== 'updateStrategy') {
    const message =
      'The `/body/action` property must match one of the allowed values: updateEnabled, addStrategy, updateStrategy.'
    throw new UnleashError(400, message, '/body/action')
  }
  return { feature, action, payload }
}

function required(name: string): UnleashError {
  const at = `/body/${name}`
  return new UnleashError(400, `The \`${at}\` property is required. It was not present on the data you sent.`, at)
}
