import { isObject } from '../sandbox/http.ts'
import type { Collection } from '../sandbox/store.ts'
import { permissionError, UnleashError } from './errors.ts'
import { type Flags, project } from './flags.ts'

export interface Person {
  id: number
  username: string
  imageUrl: string | null
  isReadOnly?: boolean
}

type State = 'Draft' | 'In review' | 'Approved' | 'Scheduled' | 'Applied' | 'Rejected' | 'Cancelled'

interface Change {
  id: number
  action: string
  payload: Record<string, unknown>
  createdBy: Person
  createdAt: string
}

/** The changeRequestSchema of Unleash's OpenAPI document. */
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
  schedule?: { scheduledAt: string; status: string; reason?: string }
}

/** The methods throw UnleashError. */
export interface ChangeRequests {
  get(inProject: string, id: string): ChangeRequest
  /** Returns the open requests. */
  pending(): ChangeRequest[]
  /** Adds changes to the person's open request in the environment, or creates a draft. */
  add(person: Person, environment: string, changes: unknown): ChangeRequest
  move(request: ChangeRequest, person: Person, state: unknown, comment: unknown): ChangeRequest
  rename(request: ChangeRequest, title: unknown): void
}

const NEXT_STATES: Record<State, State[]> = {
  Draft: ['In review', 'Cancelled'],
  'In review': ['Draft', 'Approved', 'Rejected', 'Cancelled'],
  Approved: ['Applied', 'Rejected', 'Cancelled'],
  Scheduled: ['Applied', 'Rejected', 'Cancelled'],
  Rejected: ['Cancelled'],
  Applied: [],
  Cancelled: [],
}

/**
 * Fakes the change requests of Unleash Enterprise: a person sends a draft to review, another person approves it, and it is
 * applied. A further change resets the approval. The messages of errors are not Unleash's.
 *
 * @param isGuarded returns whether an environment requires change requests
 * @param mayApply returns whether the users may apply approved requests
 * @see https://docs.getunleash.io/concepts/change-requests
 */
export function createChangeRequests(
  requests: Collection<ChangeRequest>,
  flags: Flags,
  isGuarded: (environment: string) => boolean,
  mayApply: () => boolean,
): ChangeRequests {
  const now = () => new Date().toISOString()
  const save = (request: ChangeRequest) => requests.put(request.id, request)
  const pending = () =>
    requests.list().filter(({ state }) => ['Draft', 'In review', 'Approved', 'Scheduled'].includes(state))
  const enter = (request: ChangeRequest, state: State) => {
    request.state = state
    request.stateTimestamps[state] = now()
  }

  function draft(person: Person, environment: string): ChangeRequest {
    const id = requests.next()
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
    if (!mayApply()) throw permissionError('APPLY_CHANGE_REQUEST')
    for (const { name, changes } of features) {
      for (const { action, payload } of changes) {
        const flag = flags.get(project, name)
        if (action === 'updateEnabled') flags.setEnabled(flag, environment, payload['enabled'] === true)
        else if (action === 'addStrategy') flags.addStrategy(flag, environment, payload)
        else flags.changeStrategy(flag, environment, String(payload['id']), payload)
      }
    }
  }

  return {
    pending,

    get(inProject, id) {
      const found = inProject === project ? requests.get(id) : undefined
      if (!found) throw new UnleashError(404, `Could not find change request with id: ${id}`)
      return found
    },

    add(person, environment, given) {
      if (!isGuarded(environment)) {
        throw new UnleashError(400, `Change requests are not enabled in the environment ${environment}`)
      }
      const changes = (Array.isArray(given) ? given : [given]).map(readChange)
      for (const { feature } of changes) flags.get(project, feature)
      const isOwn = (request: ChangeRequest) =>
        request.createdBy.id === person.id && request.environment === environment
      const request = pending().findLast(isOwn) ?? draft(person, environment)
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

    move(request, person, requested, comment) {
      const state = NEXT_STATES[request.state].find((state) => state === requested)
      if (!state) throw new UnleashError(400, `Cannot change state from ${request.state} to ${requested}`)
      const signed = { createdBy: person, createdAt: now() }
      if (state === 'Approved' || state === 'Rejected') {
        if (person.id === request.createdBy.id) {
          throw new UnleashError(403, 'You cannot review your own change request')
        }
        request[state === 'Approved' ? 'approvals' : 'rejections'].push(signed)
      }
      if (state === 'Applied') apply(request)
      enter(request, state)
      if (typeof comment === 'string' && comment)
        request.comments.push({ ...signed, id: request.comments.length + 1, text: comment })
      return save(request)
    },

    rename(request, title) {
      if (typeof title !== 'string' || title === '') throw required('title')
      request.title = title
      save(request)
    },
  }
}

interface RequestedChange {
  feature: string
  action: string
  payload: Record<string, unknown>
}

/** Reads a change of changeRequestOneOrManyCreateSchema. Supports only the actions of a rollout. */
function readChange(given: unknown): RequestedChange {
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
