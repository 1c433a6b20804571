import * as z from 'zod'
import { Failure } from '../errors.ts'
import { secret, url, word } from '../fields.ts'
import type { Provider } from '../function/provider.ts'
import { type Http, segment } from '../http.ts'

/** What a connection to Redmine holds. */
export const redmineConnection = {
  baseUrl: url().describe('Where Redmine is, with its path where it has one'),
  // Not by describe(), which makes a copy that is no longer known as a secret.
  token: secret().register(z.globalRegistry, {
    description: "The API access key of a user's account page; the REST API must be on",
  }),
  project: word().optional().describe('Default project, by its identifier'),
  type: word().optional().describe("Default tracker, by its name; the project's first where left out"),
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
  reason: (body: unknown) =>
    body === undefined
      ? 'an empty answer, as it gives where there is no such thing or the key may not use it'
      : undefined,
} satisfies Pick<Provider<z.ZodObject<{ token: z.ZodString }>>, 'headers' | 'check' | 'reason'>

/** How a project is named. */
export const redmineProject = { pattern: /^[a-z0-9][a-z0-9_-]{0,99}$/, example: 'ops' }

export interface Named {
  id: number
  name: string
}

/** Most that Redmine lists at once. */
export const perPage = 100

type Query = Record<string, string | number | undefined>

/** The body of an answer. */
export async function read<T>(http: Http, path: string, query: Query = {}): Promise<T> {
  return (await http.get(path, { query })).body as T
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

async function trackerOf(http: Http, project: string, type: string): Promise<number> {
  const path = `projects/${segment(project)}.json`
  const { trackers = [] } = (await read<{ project: { trackers?: Named[] } }>(http, path, { include: 'trackers' }))
    .project
  return pick(trackers, type)?.id ?? unknown('tracker', type, trackers)
}

/** By its name, else by its place: an instance may speak any language, but lists them from low to high. */
async function priorityOf(http: Http, priority: string): Promise<number> {
  const listed = await read<{ issue_priorities: (Named & { is_default: boolean; active?: boolean })[] }>(
    http,
    'enumerations/issue_priorities.json',
  )
  const all = listed.issue_priorities.filter(({ active }) => active !== false)
  const usual = Math.max(
    0,
    all.findIndex(({ is_default }) => is_default),
  )
  const places = new Map([
    ['critical', all.length - 1],
    ['high', Math.min(usual + 1, all.length - 1)],
    ['medium', usual],
    ['low', 0],
  ])
  const found = pick(all, priority) ?? all[places.get(priority.toLowerCase()) ?? -1]
  return found?.id ?? unknown('priority', priority, all)
}

/** By id, as `me`, by name among the project's members, or, where the key may look at users, by login or mail address. */
async function assigneeOf(http: Http, project: string, assignee: string): Promise<number> {
  if (/^\d+$/.test(assignee)) return Number(assignee)
  if (is('me', assignee)) return (await read<{ user: Named }>(http, 'users/current.json')).user.id
  const members: Named[] = []
  for (let offset = 0; ; offset += perPage) {
    const path = `projects/${segment(project)}/memberships.json`
    const page = await read<{ memberships: { user?: Named; group?: Named }[]; total_count: number }>(http, path, {
      offset,
      limit: perPage,
    })
    members.push(...page.memberships.flatMap(({ user, group }) => user ?? group ?? []))
    if (page.memberships.length === 0 || offset + perPage >= page.total_count) break
  }
  const member = pick(members, assignee)
  if (member) return member.id
  const { body } = await http.get('users.json', { query: { name: assignee, limit: perPage }, accept: [403] })
  const { users = [] } = (body ?? {}) as { users?: { id: number; login: string; mail?: string }[] }
  const user = users.find(({ login, mail }) => is(login, assignee) || is(mail, assignee))
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
