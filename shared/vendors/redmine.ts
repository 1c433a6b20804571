import * as z from 'zod/mini'
import { Failure } from '../errors.ts'
import { optional, secret, url, word } from '../fields.ts'
import type { Http } from '../http/client.ts'
import { segment } from '../http/segment.ts'
import { platformLevel } from '../providers/priority-level.ts'
import type { Provider } from '../providers/provider.ts'

/** What a connection to Redmine holds. */
export const redmineConnection = {
  baseUrl: url('Where Redmine is, with its path where it has one'),
  token: secret("The API access key of a user's account page; the REST API must be on"),
  project: optional(word('Default project, by its identifier')),
  type: optional(word("Default tracker, by its name; the project's first where left out")),
}

/**
 * How Redmine's REST API is called.
 *
 * @see https://www.redmine.org/projects/redmine/wiki/Rest_api
 */
export const redmineApi = {
  headers: ({ token }: { token: string }) => ({ 'x-redmine-api-key': token }),
  check: ({ http }) => http.get('users/current.json'),
  // 401, 403, 404 and some 400 come without a body.
  errorReason: (body: unknown) =>
    body === undefined
      ? 'an empty answer, as it gives where there is no such thing or the key may not use it'
      : undefined,
} satisfies Pick<Provider<z.ZodMiniObject<{ token: z.ZodMiniString }>>, 'headers' | 'check' | 'errorReason'>

/** How a project is named. */
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

/** Most that Redmine lists at once. */
export const perPage = 100

type Query = Record<string, string | number | undefined>

/** The body of an answer, as it must look. */
export async function read<T>(http: Http, path: string, answer: z.ZodMiniType<T>, query: Query = {}): Promise<T> {
  return (await http.get(path, { query, schema: answer })).body
}

/**
 * The ids of what is given by name: of a tracker of the project, a priority and an assignee.
 *
 * @see https://www.redmine.org/projects/redmine/wiki/Rest_Enumerations
 * @see https://www.redmine.org/projects/redmine/wiki/Rest_Memberships
 * @throws Failure `refused` that lists the names there are
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

/** By its name, else by its place: an instance may speak any language, but lists them from low to high. */
async function priorityOf(http: Http, priority: string): Promise<number> {
  const listed = await read(http, 'enumerations/issue_priorities.json', priorities)
  const all = listed.issue_priorities.filter(({ active }) => active !== false)
  const last = all.length - 1
  const usual = Math.max(
    0,
    all.findIndex(({ is_default }) => is_default),
  )
  const idAt = (place: number) => String(all[place]?.id)
  const places = { critical: idAt(last), high: idAt(Math.min(usual + 1, last)), medium: idAt(usual), low: idAt(0) }
  const found = pick(all, priority) ?? pick(all, platformLevel(places, priority))
  return found?.id ?? unknown('priority', priority, all)
}

/** By id, as `me`, by name among the project's members, or, where the key may look at users, by login or mail address. */
async function assigneeOf(http: Http, project: string, assignee: string): Promise<number> {
  if (/^\d+$/.test(assignee)) return Number(assignee)
  if (is('me', assignee)) return (await read(http, 'users/current.json', currentUser)).user.id
  const members: Named[] = []
  for (let offset = 0; ; offset += perPage) {
    const path = `projects/${segment(project)}/memberships.json`
    const page = await read(http, path, memberships, { offset, limit: perPage })
    members.push(...page.memberships.flatMap(({ user, group }) => user ?? group ?? []))
    if (page.memberships.length === 0 || offset + perPage >= page.total_count) break
  }
  const member = pick(members, assignee)
  if (member) return member.id
  const query = { name: assignee, limit: perPage }
  const { status, body } = await http.get('users.json', { query, accept: [403], schema: users })
  const found = status === 403 ? [] : body.users
  const user = found.find(({ login, mail }) => is(login, assignee) || is(mail, assignee))
  return user?.id ?? unknown('assignee', assignee, members)
}

function unknown(what: string, asked: string, known: Named[]): never {
  const names = known.map(({ name }) => name)
  const list = names.length > 20 ? `${names.slice(0, 20).join(', ')}, ...` : names.join(', ') || 'none'
  throw new Failure('refused', `Redmine has no ${what} "${asked}" there; it has: ${list}.`)
}

function pick<N extends Named>(all: N[], asked: string): N | undefined {
  return all.find(({ name }) => is(name, asked)) ?? all.find(({ id }) => String(id) === asked)
}

/** Whether both are the same name. */
export function is(name: string | undefined, asked: string | undefined): boolean {
  return name !== undefined && name.toLowerCase() === asked?.toLowerCase()
}
