import {
  type Answer,
  type Call,
  isObject,
  json,
  MAX_BODY_BYTES,
  mediaType,
  type Platform,
  segments,
} from '../sandbox/http.ts'
import type { Collection } from '../sandbox/store.ts'
import { type ChangeRequest, createChangeRequests, type Person } from './changes.ts'
import { earlyError, permissionError, serviceError, UnleashError } from './errors.ts'
import { createFlags, type Environment, type Flag, project } from './flags.ts'
import { featureResponse } from './responses.ts'

export interface UnleashSettings {
  environments: readonly Environment[]
  /** Returns whether an environment requires change requests. */
  isGuarded(environment: string): boolean
  mayApply(): boolean
  /** Users by token. */
  people: Record<string, Person>
}

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

  function route(call: Call, person: Person): Answer {
    if (call.size > MAX_BODY_BYTES) return earlyError(413, 'request entity too large')
    const [api, admin, first, inProject = '', ...rest] = segments(call.path)
    if (api !== 'api' || admin !== 'admin') return noSuchPath(call)
    if (first === 'user' && inProject === '' && call.method === 'GET') return json(200, userResponse(person))
    if (first !== 'projects') return noSuchPath(call)
    const [kind, name = '', ...more] = rest
    if (kind === 'features' && more[0] === 'environments') return routeEnvironment(call, inProject, name, more)
    if (kind === 'features' && name && more.length === 0 && call.method === 'GET') {
      return json(200, featureResponse(environments, getFeature(inProject, name)))
    }
    if (kind === 'environments' && more[0] === 'change-requests' && more.length === 1 && call.method === 'POST') {
      const request = requests.add(person, name, jsonOf(call))
      return json(200, request, {}, `change request ${request.id} in ${name}`)
    }
    return kind === 'change-requests' ? routeRequests(call, person, inProject, [name, ...more]) : noSuchPath(call)
  }

  function getFeature(inProject: string, name: string): Flag {
    const flag = flags.get(inProject, name)
    if (flag.archived) throw new UnleashError(404, `Could not find feature flag with name ${name}`)
    return flag
  }

  function routeEnvironment(call: Call, inProject: string, name: string, more: string[]): Answer {
    const [, environment = '', what, id, ...beyond] = more
    const { method } = call
    if (beyond.length > 0) return noSuchPath(call)
    if ((what === 'on' || what === 'off') && id === undefined && method === 'POST') {
      const flag = flags.getActive(inProject, name)
      checkGuard(environment)
      flags.setEnabled(flag, environment, what === 'on')
      return { status: 200, note: `${name} is ${what} in ${environment}` }
    }
    return what === 'strategies' ? routeStrategies(call, inProject, name, environment, id) : noSuchPath(call)
  }

  function routeStrategies(call: Call, inProject: string, name: string, environment: string, id?: string): Answer {
    if (call.method !== (id === undefined ? 'POST' : 'PUT')) return noSuchPath(call)
    const body = bodyOf(call)
    if (id === undefined && body['name'] === undefined) {
      const at = '/body/name'
      throw new UnleashError(400, `The \`${at}\` property is required. It was not present on the data you sent.`, at)
    }
    const flag = flags.getActive(inProject, name)
    checkGuard(environment)
    const strategy =
      id === undefined ? flags.addStrategy(flag, environment, body) : flags.changeStrategy(flag, environment, id, body)
    const rollout = strategy.parameters['rollout'] ? ` at ${strategy.parameters['rollout']} %` : ''
    return json(200, strategy, {}, `${name} is${rollout} by ${strategy.name} in ${environment}`)
  }

  function routeRequests(call: Call, person: Person, inProject: string, [id = '', what, ...more]: string[]): Answer {
    const operation = `${call.method} ${what ?? ''}`
    if (more.length > 0) return noSuchPath(call)
    if (operation === 'GET ' && id === 'pending') {
      return json(
        200,
        requests.pending().filter(({ createdBy }) => createdBy.id === person.id),
      )
    }
    if (operation === 'GET ') return json(200, requests.get(inProject, id))
    if (operation === 'PUT state') {
      const { state, comment } = bodyOf(call)
      const moved = requests.move(requests.get(inProject, id), person, state, comment)
      return json(200, { state: moved.state }, {}, `change request ${id} is ${moved.state}`)
    }
    if (operation === 'PUT title') {
      requests.rename(requests.get(inProject, id), bodyOf(call)['title'])
      return { status: 200 }
    }
    return noSuchPath(call)
  }

  /** Unleash accepts the token with and without `Bearer`. */
  function personOf({ headers }: Call): Person | undefined {
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
        return route(call, person)
      } catch (error) {
        if (error instanceof UnleashError) return serviceError(error)
        throw error
      }
    },
  }
}

function notLoggedIn(call: Call): Answer {
  if (call.headers.authorization) return earlyError(401, 'You must log in to use Unleash.')
  const login = '/auth/simple/login'
  const message = `You must log in to use Unleash. Your request had no authorization header, so we could not authorize you. Try logging in at ${login}`
  return earlyError(401, message, 'AuthenticationRequired')
}

function noSuchPath({ path }: Call): Answer {
  return earlyError(404, `The path you were looking for (${path}) is not available.`)
}

function bodyOf(call: Call): Record<string, unknown> {
  const body = jsonOf(call)
  if (isObject(body)) return body
  throw new UnleashError(400, `The \`/body\` property must be object. You sent ${call.body}.`, '/body')
}

function jsonOf({ headers, body }: Call): unknown {
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
