import { routeTable } from '../../../testing/route-table.ts'
import {
  type FakeCall,
  type FakeReply,
  isObject,
  json,
  MAX_BODY_BYTES,
  mediaType,
  type Platform,
} from '../sandbox/http.ts'
import type { Collection } from '../sandbox/store.ts'
import { type ChangeRequest, createChangeRequests, type Person } from './changes.ts'
import { earlyError, permissionError, serviceError, UnleashError } from './errors.ts'
import { createFlags, type Environment, type Flag, project, type Strategy } from './flags.ts'
import { featureResponse } from './responses.ts'

export interface UnleashSettings {
  environments: readonly Environment[]
  /** Returns whether an environment requires change requests. */
  isGuarded(environment: string): boolean
  mayApply(): boolean
  /** Users by token. */
  people: Record<string, Person>
}

interface UnleashCall extends FakeCall {
  person: Person
}
type InEnvironment = UnleashCall & { params: { project: string; flag: string; environment: string } }

/**
 * The part of the admin API of Unleash 8.2 that reads and changes flags, with the change requests of Unleash Enterprise.
 *
 * @see https://docs.getunleash.io/api/overview
 */
export function unleashRoutes(
  storedFlags: Collection<Flag>,
  storedRequests: Collection<ChangeRequest>,
  { environments, people, isGuarded, mayApply }: UnleashSettings,
): Pick<Platform, 'answer' | 'error'> {
  const flags = createFlags(storedFlags)
  const requests = createChangeRequests(storedRequests, flags, isGuarded, mayApply)

  const route = routeTable<UnleashCall, FakeReply>()({
    'GET /api/admin/user': ({ person }) => json(200, userResponse(person)),
    'GET /api/admin/projects/{project}/features/{flag}': ({ params }) =>
      json(200, featureResponse(environments, getFeature(params.project, params.flag))),
    'POST /api/admin/projects/{project}/features/{flag}/environments/{environment}/on': (call) => toggle(call, true),
    'POST /api/admin/projects/{project}/features/{flag}/environments/{environment}/off': (call) => toggle(call, false),
    'POST /api/admin/projects/{project}/features/{flag}/environments/{environment}/strategies': addStrategy,
    'PUT /api/admin/projects/{project}/features/{flag}/environments/{environment}/strategies/{id}': changeStrategy,
    'POST /api/admin/projects/{project}/environments/{environment}/change-requests'({ params, ...call }) {
      const request = requests.add(call.person, params.environment, jsonOf(call))
      return json(200, request, {}, `change request ${request.id} in ${params.environment}`)
    },
    'GET /api/admin/projects/{project}/change-requests/pending': ({ person }) =>
      json(
        200,
        requests.pending().filter(({ createdBy }) => createdBy.id === person.id),
      ),
    'GET /api/admin/projects/{project}/change-requests/{id}': ({ params }) =>
      json(200, requests.get(params.project, params.id)),
    'PUT /api/admin/projects/{project}/change-requests/{id}/state'({ params, ...call }) {
      const { state, comment } = bodyOf(call)
      const moved = requests.move(requests.get(params.project, params.id), call.person, state, comment)
      return json(200, { state: moved.state }, {}, `change request ${params.id} is ${moved.state}`)
    },
    'PUT /api/admin/projects/{project}/change-requests/{id}/title'({ params, ...call }) {
      requests.rename(requests.get(params.project, params.id), bodyOf(call)['title'])
      return { status: 200 }
    },
  })

  function getFeature(inProject: string, name: string): Flag {
    const flag = flags.get(inProject, name)
    if (flag.archived) throw new UnleashError(404, `Could not find feature flag with name ${name}`)
    return flag
  }

  function toggle(
    { params: { project: inProject, flag: name, environment } }: InEnvironment,
    isOn: boolean,
  ): FakeReply {
    const flag = flags.getActive(inProject, name)
    checkGuard(environment)
    flags.setEnabled(flag, environment, isOn)
    return { status: 200, note: `${name} is ${isOn ? 'on' : 'off'} in ${environment}` }
  }

  function addStrategy(call: InEnvironment): FakeReply {
    const body = bodyOf(call)
    if (body['name'] === undefined) {
      const at = '/body/name'
      throw new UnleashError(400, `The \`${at}\` property is required. It was not present on the data you sent.`, at)
    }
    return withGuardedFlag(call, (flag, environment) => flags.addStrategy(flag, environment, body))
  }

  function changeStrategy(call: InEnvironment & { params: { id: string } }): FakeReply {
    const body = bodyOf(call)
    return withGuardedFlag(call, (flag, environment) => flags.changeStrategy(flag, environment, call.params.id, body))
  }

  function withGuardedFlag(
    { params: { project: inProject, flag: name, environment } }: InEnvironment,
    change: (flag: Flag, environment: string) => Strategy,
  ): FakeReply {
    const flag = flags.getActive(inProject, name)
    checkGuard(environment)
    const strategy = change(flag, environment)
    const rollout = strategy.parameters['rollout'] ? ` at ${strategy.parameters['rollout']} %` : ''
    return json(200, strategy, {}, `${name} is${rollout} by ${strategy.name} in ${environment}`)
  }

  /** Unleash accepts the token with and without `Bearer`. */
  function personOf({ headers }: FakeCall): Person | undefined {
    const token = headers.authorization?.replace(/^Bearer +/i, '') ?? ''
    return Object.hasOwn(people, token) ? people[token] : undefined
  }

  /** None of the users is an admin, who could skip change requests. */
  function checkGuard(environment: string): void {
    if (isGuarded(environment)) throw permissionError('SKIP_CHANGE_REQUEST')
  }

  return {
    error: (status, message) => earlyError(status, message),

    answer(call) {
      try {
        const person = personOf(call)
        if (!person) return notLoggedIn(call)
        if (call.method !== 'GET' && person.isReadOnly) throw permissionError('UPDATE_FEATURE_ENVIRONMENT')
        if (call.size > MAX_BODY_BYTES) return earlyError(413, 'request entity too large')
        return route(`${call.method} ${call.path}`, { ...call, person }) ?? noSuchPath(call)
      } catch (error) {
        if (error instanceof UnleashError) return serviceError(error)
        throw error
      }
    },
  }
}

function notLoggedIn(call: FakeCall): FakeReply {
  if (call.headers.authorization) return earlyError(401, 'You must log in to use Unleash.')
  const login = '/auth/simple/login'
  const message = `You must log in to use Unleash. Your request had no authorization header, so we could not authorize you. Try logging in at ${login}`
  return earlyError(401, message, 'AuthenticationRequired')
}

function noSuchPath({ path }: FakeCall): FakeReply {
  return earlyError(404, `The path you were looking for (${path}) is not available.`)
}

function bodyOf(call: FakeCall): Record<string, unknown> {
  const body = jsonOf(call)
  if (isObject(body)) return body
  throw new UnleashError(400, `The \`/body\` property must be object. You sent ${call.body}.`, '/body')
}

function jsonOf({ headers, body }: FakeCall): unknown {
  const type = mediaType(headers)
  if (type !== 'application/json') {
    const instead = 'Try using one of the content-types we do accept instead (application/json)'
    const message = `We do not accept the content-type you provided (${type}). ${instead} and make sure the body is in the corresponding format.`
    throw new UnleashError(415, message)
  }
  try {
    return JSON.parse(body)
  } catch {
    throw new UnleashError(400, 'The body is not JSON.', '/body')
  }
}

function userResponse({ id, username, imageUrl }: Person) {
  const user = { isAPI: false, accountType: 'Service Account', id, name: username, username, imageUrl }
  const permission = { permission: 'UPDATE_FEATURE_ENVIRONMENT', project }
  return { user, permissions: [permission], feedback: [], splash: {} }
}
