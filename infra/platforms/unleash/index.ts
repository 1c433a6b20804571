import { demo } from '../sandbox/demo.ts'
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
import { missingPage } from '../sandbox/page.ts'
import type { Store } from '../sandbox/store.ts'
import { type ChangeRequest, createChangeRequests, type Person } from './changes.ts'
import { earlyError, serviceError, UnleashError } from './errors.ts'
import { createFlags, environments, type Flag, project } from './flags.ts'
import { changeRequestPage, flagPage } from './page.ts'
import { changeRequestConfig, featureEnvironmentShape, featureShape, strategyShape } from './shapes.ts'

/** A flag as `/sandbox/flags` lists it, for people and tests. */
export interface FlagSummary {
  name: string
  project: string
  description: string | null
  url: string
  /** `rollout` is of the first flexibleRollout strategy that is not disabled. */
  environments: { name: string; enabled: boolean; rollout: string | undefined }[]
  changeRequests: { id: number; environment: string; state: string; url: string }[]
}

export interface Unleash extends Platform {
  flags(root: string): FlagSummary[]
}

const people: Record<string, Person> = {
  [demo.unleash.token]: { id: 2, username: 'webhooks', imageUrl: 'https://gravatar.com/avatar/webhooks' },
  [demo.unleash.reviewerToken]: { id: 3, username: 'reviewer', imageUrl: 'https://gravatar.com/avatar/reviewer' },
}

/**
 * Plays the part of Unleash's admin API that switches flags and rolls them out, as version 8.2 answers it, and the change
 * requests of Unleash Enterprise. There is the project `default` with the environments `development`, `production` and
 * `production-guarded`, in which every change must be asked for and approved.
 *
 * @see https://docs.getunleash.io/api/overview
 */
export function createUnleash(store: Store): Unleash {
  const flags = createFlags(store)
  const requests = createChangeRequests(store, flags)

  const unleash: Unleash = {
    error: (status, message) => earlyError(status, message),

    answer(call) {
      try {
        const person = personOf(call)
        return person ? route(call, person) : notLoggedIn(call)
      } catch (error) {
        if (error instanceof UnleashError) return serviceError(error)
        throw error
      }
    },

    page({ path, root }) {
      const [first, inProject = '', kind, name = '', ...more] = segments(path)
      if (first !== 'projects' || more.length > 0) return undefined
      if (kind === 'features') {
        const flag = unleash.flags(root).find((one) => one.name === name && one.project === inProject)
        return flag ? flagPage(flag) : missingPage('flag')
      }
      if (kind !== 'change-requests') return undefined
      const request = requests.all().find(({ id }) => String(id) === name)
      return request ? changeRequestPage(root, request) : missingPage('change request')
    },

    flags: (root) => flags.all().map((flag) => summaryOf(root, flag, requests.all())),
  }

  function route(call: Call, person: Person): Answer {
    if (call.size > MAX_BODY_BYTES) return earlyError(413, 'request entity too large')
    const [api, admin, first, inProject = '', ...rest] = segments(call.path)
    if (api !== 'api' || admin !== 'admin') return noSuchPath(call)
    if (first === 'user' && inProject === '' && call.method === 'GET') return json(200, userShape(person))
    if (first !== 'projects') return noSuchPath(call)
    const [kind, name = '', ...more] = rest
    if (kind === 'features' && more[0] === 'environments') return routeEnvironment(call, inProject, name, more)
    if (kind === 'features' && name && more.length === 0 && call.method === 'GET') {
      return json(200, featureShape(flags.get(inProject, name)))
    }
    if (kind === 'environments' && more[0] === 'change-requests' && more.length === 1 && call.method === 'POST') {
      const request = requests.add(person, name, jsonOf(call))
      return json(200, request, {}, `asked for change ${request.id} in ${name}`)
    }
    return kind === 'change-requests' ? routeRequests(call, person, inProject, [name, ...more]) : noSuchPath(call)
  }

  function routeEnvironment(call: Call, inProject: string, name: string, more: string[]): Answer {
    const [, environment = '', what, id, ...beyond] = more
    const { method } = call
    if (beyond.length > 0) return noSuchPath(call)
    if (what === undefined && method === 'GET') {
      const flag = flags.get(inProject, name)
      if (!Object.hasOwn(flag.environments, environment)) {
        throw new UnleashError(404, `Could not find ${name} in ${environment}`)
      }
      return json(200, featureEnvironmentShape(flag, environment))
    }
    if ((what === 'on' || what === 'off') && id === undefined && method === 'POST') {
      stopWhereGuarded(environment)
      flags.setEnabled(flags.get(inProject, name), environment, what === 'on')
      return { status: 200, note: `${name} is ${what} in ${environment}` }
    }
    return what === 'strategies' ? routeStrategies(call, inProject, name, environment, id) : noSuchPath(call)
  }

  function routeStrategies(call: Call, inProject: string, name: string, environment: string, id?: string): Answer {
    const place = `${call.method} ${id === undefined ? 'all' : 'one'}`
    if (place === 'GET all' || place === 'GET one') {
      const flag = flags.all().find((one) => one.name === name)
      const strategies = flag?.environments[environment]?.strategies.map(strategyShape)
      if (id !== undefined) {
        const strategy = strategies?.find((one) => one.id === id)
        if (!strategy) throw new UnleashError(404, `Could not find strategy with id: ${id}`)
        return json(200, strategy)
      }
      if (!strategies) throw new UnleashError(404, `Feature ${name} does not have environment ${environment}`)
      // Another project is no reason for Unleash to refuse this, only to show nothing.
      if (inProject !== project) return json(200, [])
      return json(
        200,
        strategies.map((strategy) => ({ ...strategy, milestoneId: null })),
      )
    }
    if (place !== 'POST all' && place !== 'PUT one') return noSuchPath(call)
    const body = bodyOf(call)
    if (id === undefined && body['name'] === undefined) {
      const at = '/body/name'
      throw new UnleashError(400, `The \`${at}\` property is required. It was not present on the data you sent.`, at)
    }
    stopWhereGuarded(environment)
    const flag = flags.get(inProject, name)
    const strategy =
      id === undefined ? flags.addStrategy(flag, environment, body) : flags.changeStrategy(flag, environment, id, body)
    const at = flag.environments[environment]?.strategies.findIndex((one) => one.id === strategy.id) ?? 0
    const rollout = strategy.parameters['rollout'] ? ` at ${strategy.parameters['rollout']} %` : ''
    return json(200, strategyShape(strategy, at), {}, `${name} is${rollout} by ${strategy.name} in ${environment}`)
  }

  function routeRequests(call: Call, person: Person, inProject: string, [id = '', what, ...more]: string[]): Answer {
    const place = `${call.method} ${what ?? ''}`
    if (more.length > 0) return noSuchPath(call)
    if (call.method === 'GET' && id === 'config' && what === undefined) return json(200, changeRequestConfig())
    if (call.method === 'GET' && id === 'pending') {
      // Of a feature there are everybody's, else one's own.
      const asked = ({ createdBy, features }: ChangeRequest) =>
        what === undefined ? createdBy.id === person.id : features.some(({ name }) => name === what)
      return json(200, requests.pending().filter(asked))
    }
    if (place === 'GET ') return json(200, requests.get(inProject, id))
    if (place === 'PUT state') {
      const { state, comment } = bodyOf(call)
      const moved = requests.move(requests.get(inProject, id), person, state, comment)
      return json(200, { state: moved.state }, {}, `change request ${id} is ${moved.state}`)
    }
    if (place === 'PUT title') {
      requests.rename(requests.get(inProject, id), bodyOf(call)['title'])
      return { status: 200 }
    }
    if (place !== 'POST comments') return noSuchPath(call)
    requests.comment(requests.get(inProject, id), person, bodyOf(call)['text'])
    return { status: 200 }
  }

  return unleash
}

/** Unleash takes the token bare; with `Bearer` before it, it takes it as well. */
function personOf({ headers }: Call): Person | undefined {
  const token = headers.authorization?.replace(/^Bearer +/i, '') ?? ''
  return Object.hasOwn(people, token) ? people[token] : undefined
}

function notLoggedIn(call: Call): Answer {
  if (call.headers.authorization) return earlyError(401, 'You must log in to use Unleash.')
  const login = '/auth/simple/login'
  const message = `You must log in to use Unleash. Your request had no authorization header, so we could not authorize you. Try logging in at ${login}`
  return earlyError(401, message, 'AuthenticationRequired')
}

/** Nobody here has the permission to pass the change requests by, as only an admin has in Unleash. */
function stopWhereGuarded(environment: string): void {
  if (!environments.some(({ name, guarded }) => name === environment && guarded)) return
  const why = "You don't have the required permissions to perform this operation."
  throw new UnleashError(403, `${why} To perform this action, you need the "SKIP_CHANGE_REQUEST" permission.`)
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

function userShape({ id, username, imageUrl }: Person) {
  const user = { isAPI: false, accountType: 'Service Account', id, name: username, username, imageUrl }
  const permission = { permission: 'UPDATE_FEATURE_ENVIRONMENT', project }
  return { user, permissions: [permission], feedback: [], splash: {} }
}

function summaryOf(root: string, flag: Flag, requests: ChangeRequest[]): FlagSummary {
  const projectUrl = `${root}/projects/${project}`
  return {
    name: flag.name,
    project,
    description: flag.description,
    url: `${projectUrl}/features/${flag.name}`,
    environments: Object.entries(flag.environments).map(([name, { enabled, strategies }]) => ({
      name,
      enabled,
      rollout: strategies.find(({ disabled, parameters }) => !disabled && parameters['rollout'])?.parameters['rollout'],
    })),
    changeRequests: requests
      .filter(({ features }) => features.some(({ name }) => name === flag.name))
      .map(({ id, environment, state }) => ({ id, environment, state, url: `${projectUrl}/change-requests/${id}` })),
  }
}
