import * as z from 'zod/mini'
import { refused } from '../errors.ts'
import { optional, secret, url, word } from '../fields.ts'
import type { Http } from '../http/client.ts'
import { segment } from '../http/segment.ts'
import type { Provider } from '../providers/provider.ts'

/** The fields of a connection to GitLab in every category. */
export const gitlabConnection = {
  baseUrl: z._default(
    url('URL of GitLab, with its path, if any, but without /api/v4. Defaults to https://gitlab.com'),
    'https://gitlab.com',
  ),
  token: secret('A personal, project or group access token with the scope api'),
  project: optional(word('Default project, as its path (group/project) or its number')),
}

/**
 * The common members of all GitLab providers.
 *
 * @see https://docs.gitlab.com/api/rest/
 */
export const gitlabApi = {
  headers: ({ token }: { token: string }) => ({ 'private-token': token }),
  check: ({ http }) => http.get('api/v4/user'),
  errorReason: fieldErrors,
} satisfies Pick<Provider<z.ZodMiniObject<{ token: z.ZodMiniString }>>, 'headers' | 'check' | 'errorReason'>

/** A path of a project. Excludes segments of dots only, which would change the path of a request. */
export const gitlabProject = {
  pattern: /^(?:\d{1,18}|(?!\.+\/)[\w.][\w.-]*(?:\/(?!\.+(?:\/|$))[\w.][\w.-]*)+)$/,
  example: 'group/project',
}

const users = z.array(z.object({ id: z.int() }))
/** The maximum of GitLab. */
export const PAGE_SIZE = 100

type Query = Record<string, string | number | undefined>

/** Returns the API path of a project, by its path or number. */
export function projectPath(project: string): string {
  return `api/v4/projects/${segment(project)}`
}

/**
 * Reads a list, page by page.
 *
 * @param maxPages pages to read
 * @see https://docs.gitlab.com/api/rest/#offset-based-pagination
 */
export async function* pages<T>(
  http: Http,
  path: string,
  item: z.ZodMiniType<T>,
  query: Query = {},
  maxPages: number = Number.POSITIVE_INFINITY,
): AsyncGenerator<T[]> {
  for (let page = 1; page <= maxPages; page++) {
    const { body } = await http.get(path, { query: { ...query, per_page: PAGE_SIZE, page }, schema: z.array(item) })
    yield body
    if (body.length < PAGE_SIZE) return
  }
}

/**
 * Returns the number of a user, which GitLab requires for assignments.
 *
 * @see https://docs.gitlab.com/api/users/#list-users
 * @throws Failure `refused` if there is no such user
 */
export async function userIdOf(http: Http, username: string): Promise<number> {
  const query = { username: username.replace(/^@/, '') }
  const [user] = (await http.get('api/v4/users', { query, schema: users })).body
  if (user) return user.id
  throw refused(`GitLab has no user "${query.username}". Send the username of an existing user.`)
}

/** Reads errors of fields: `{message: {title: ['is too long']}}`. */
function fieldErrors(body: unknown): string | undefined {
  const { message } = (body ?? {}) as { message?: unknown }
  if (message === null || typeof message !== 'object' || Array.isArray(message)) return undefined
  return Object.entries(message)
    .map(([field, errors]) => `${field}: ${[errors].flat().join(', ')}`)
    .join('; ')
}
