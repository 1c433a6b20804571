import * as z from 'zod/mini'
import { Failure } from '../errors.ts'
import { optional, secret, url, word } from '../fields.ts'
import type { Http } from '../http/client.ts'
import { segment } from '../http/segment.ts'
import type { Provider } from '../providers/provider.ts'

/** What a connection to GitLab holds, in every category. */
export const gitlabConnection = {
  baseUrl: z._default(
    url('Where GitLab is, with its path where it has one; https://gitlab.com where left out'),
    'https://gitlab.com',
  ),
  token: secret('A personal, project or group access token with the scope api'),
  project: optional(word('Default project, as its path (group/project) or its number')),
}

/**
 * How GitLab's REST API is called, whatever for.
 *
 * @see https://docs.gitlab.com/api/rest/
 */
export const gitlabApi = {
  headers: ({ token }: { token: string }) => ({ 'private-token': token }),
  check: ({ http }) => http.get('api/v4/user'),
  errorReason: fieldErrors,
} satisfies Pick<Provider<z.ZodMiniObject<{ token: z.ZodMiniString }>>, 'headers' | 'check' | 'errorReason'>

/** How a project is named; a part of dots alone would leave the path. */
export const gitlabProject = {
  pattern: /^(?:\d{1,18}|(?!\.+\/)[\w.][\w.-]*(?:\/(?!\.+(?:\/|$))[\w.][\w.-]*)+)$/,
  example: 'group/project',
}

const users = z.array(z.object({ id: z.int() }))
const perPage = 100

type Query = Record<string, string | number | undefined>

/** Where the API of a project is, by its path or its number. */
export function projectPath(project: string): string {
  return `api/v4/projects/${segment(project)}`
}

/**
 * A list, page by page.
 *
 * @param most pages that are asked for
 * @see https://docs.gitlab.com/api/rest/#offset-based-pagination
 */
export async function* pages<T>(
  http: Http,
  path: string,
  item: z.ZodMiniType<T>,
  query: Query = {},
  most: number = Number.POSITIVE_INFINITY,
): AsyncGenerator<T[]> {
  for (let page = 1; page <= most; page++) {
    const { body } = await http.get(path, { query: { ...query, per_page: perPage, page }, schema: z.array(item) })
    yield body
    if (body.length < perPage) return
  }
}

/**
 * The number of a user, which is what GitLab assigns to.
 *
 * @see https://docs.gitlab.com/api/users/#list-users
 * @throws Failure `refused` where nobody has the username
 */
export async function userIdOf(http: Http, username: string): Promise<number> {
  const query = { username: username.replace(/^@/, '') }
  const [user] = (await http.get('api/v4/users', { query, schema: users })).body
  if (user) return user.id
  throw new Failure('refused', `GitLab knows nobody by the username ${query.username}.`)
}

/** A refused field is told as `{message: {title: ['is too long']}}`. */
function fieldErrors(body: unknown): string | undefined {
  const { message } = (body ?? {}) as { message?: unknown }
  if (message === null || typeof message !== 'object' || Array.isArray(message)) return undefined
  return Object.entries(message)
    .map(([field, said]) => `${field}: ${[said].flat().join(', ')}`)
    .join('; ')
}
