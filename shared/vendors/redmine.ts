import * as z from 'zod/mini'
import { refused } from '../errors.ts'
import { optional, secret, url, word } from '../fields.ts'
import type { Http } from '../http/client.ts'
import { segment } from '../http/segment.ts'
import { platformLevel } from '../providers/priority-level.ts'
import type { Provider } from '../providers/provider.ts'

/** The fields of a connection to Redmine. */
export const redmineConnection = {
  baseUrl: url('URL of Redmine, with its path, if any'),
  token: secret('The API access key from the account page of a user. The REST API must be enabled'),
  project: optional(word('Default project, by its identifier')),
  type: optional(word('Default tracker, by its name. Defaults to the first tracker of the project')),
}

/**
 * The common members of all Redmine providers.
 *
 * @see https://www.redmine.org/projects/redmine/wiki/Rest_api
 */
export const redmineApi = {
  headers: ({ token }: { token: string }) => ({ 'x-redmine-api-key': token }),
  check: ({ http }) => http.get('users/current.json'),
  // 401, 403, 404 and some 400 come without a body.
  errorReason: (body: unknown) =>
    body === undefined
      ? 'an empty response, which means that the object does not exist or that the key has no access to it'
      : undefined,
} satisfies Pick<Provider<z.ZodMiniObject<{ token: z.ZodMiniString }>>, 'headers' | 'check' | 'errorReason'>

/** The identifier of a project. */
export const redmineProject = { pattern: /^[a-z0-9][a-z0-9_-]{0,99}$/, example: 'ops' }

export const named = z.object({ id: z.number(), name: z.string() })
type Named = z.output<typeof named>

const project = z.object({ project: z.object({ trackers: z.optional(z.array(named)) }) })
const priorities = z.object({
  issue_priorities: z.array(z.extend(named, { is_default: z.boolean(), active: z.optional(z.boolean()) })),
})
const currentUser = z.object({ user: z.object({ id: z.number() }) })
const memberships = z.object({
  memberships: z.array(z.object({ user: z.optional(named), group: z.optional(named) })),
  total_count: z.number(),
})
const users = z.object({
  users: z.array(z.object({ id: z.number(), login: z.string(), mail: z.optional(z.string()) })),
})

/** The maximum of Redmine. */
export const PER_PAGE = 100

type Query = Record<string, string | number | undefined>

/** Reads a resource. */
export async function read<T>(http: Http, path: string, schema: z.ZodMiniType<T>, query: Query = {}): Promise<T> {
  return (await http.get(path, { query, schema })).body
}

/**
 * Returns the ids of a tracker of the project, a priority and an assignee.
 *
 * @see https://www.redmine.org/projects/redmine/wiki/Rest_Enumerations
 * @see https://www.redmine.org/projects/redmine/wiki/Rest_Memberships
 * @throws Failure `refused` with the existing names
 */
export async function idsOf(
  http: Http,
  project: string,
  {
    type,
    priority,
    assignee,
  }: { type?: string | undefined; priority?: string | undefined; assignee?: string | undefined },
) {
  return {
    ...(type ? { tracker_id: await trackerOf(http, project, type) } : {}),
    ...(priority ? { priority_id: await priorityOf(http, priority) } : {}),
    ...(assignee ? { assigned_to_id: await assigneeOf(http, project, assignee) } : {}),
  }
}

async function trackerOf(http: Http, identifier: string, type: string): Promise<number> {
  const path = `projects/${segment(identifier)}.json`
  const { trackers = [] } = (await read(http, path, project, { include: 'trackers' })).project
  return pick(trackers, type)?.id ?? unknown('tracker', type, trackers)
}

/** Finds a priority by name, or a level by its position, because names depend on the language but are listed from low to high. */
async function priorityOf(http: Http, priority: string): Promise<number> {
  const listed = await read(http, 'enumerations/issue_priorities.json', priorities)
  const all = listed.issue_priorities.filter(({ active }) => active !== false)
  const last = all.length - 1
  const normal = Math.max(
    0,
    all.findIndex(({ is_default }) => is_default),
  )
  const idAt = (position: number) => String(all[position]?.id)
  const places = { critical: idAt(last), high: idAt(Math.min(normal + 1, last)), medium: idAt(normal), low: idAt(0) }
  const found = pick(all, priority) ?? pick(all, platformLevel(places, priority))
  return found?.id ?? unknown('priority', priority, all)
}

/** Finds an assignee by id, `me` or the name of a project member, and by login or e-mail address if the key can read users. */
async function assigneeOf(http: Http, project: string, assignee: string): Promise<number> {
  if (/^\d+$/.test(assignee)) return Number(assignee)
  if (is('me', assignee)) return (await read(http, 'users/current.json', currentUser)).user.id
  const members: Named[] = []
  for (let offset = 0; ; offset += PER_PAGE) {
    const path = `projects/${segment(project)}/memberships.json`
    const page = await read(http, path, memberships, { offset, limit: PER_PAGE })
    members.push(...page.memberships.flatMap(({ user, group }) => user ?? group ?? []))
    if (page.memberships.length === 0 || offset + PER_PAGE >= page.total_count) break
  }
  const member = pick(members, assignee)
  if (member) return member.id
  const query = { name: assignee, limit: PER_PAGE }
  const { status, body } = await http.get('users.json', { query, accept: [403], schema: users })
  const found = status === 403 ? [] : body.users
  const user = found.find(({ login, mail }) => is(login, assignee) || is(mail, assignee))
  return user?.id ?? unknown('assignee', assignee, members)
}

function unknown(what: string, wanted: string, known: Named[]): never {
  const names = known.map(({ name }) => name)
  const list = names.length > 20 ? `${names.slice(0, 20).join(', ')}, ...` : names.join(', ') || 'none'
  throw refused(`Redmine has no ${what} "${wanted}" for this project. It has: ${list}.`)
}

function pick<N extends Named>(all: N[], wanted: string): N | undefined {
  return all.find(({ name }) => is(name, wanted)) ?? all.find(({ id }) => String(id) === wanted)
}

/** Compares names without case. */
export function is(name: string | undefined, wanted: string | undefined): boolean {
  return name !== undefined && name.toLowerCase() === wanted?.toLowerCase()
}
