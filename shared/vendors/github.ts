import * as z from 'zod/mini'
import { optional, secret, url, word } from '../fields.ts'
import { segment } from '../http/segment.ts'
import type { Provider } from '../providers/provider.ts'

/** What a connection to GitHub holds, in every category. */
export const githubConnection = {
  baseUrl: z._default(
    url('The API: https://api.github.com, or https://<host>/api/v3 of an Enterprise server'),
    'https://api.github.com',
  ),
  token: secret('A fine-grained personal access token, or a token of an App installation'),
  project: optional(word('Default repository, as owner/repo')),
}

/**
 * How GitHub's REST API is called, whatever for.
 *
 * @see https://docs.github.com/en/rest/about-the-rest-api/api-versions
 */
export const githubApi = {
  headers: ({ token }: { token: string }) => ({
    authorization: `Bearer ${token}`,
    accept: 'application/vnd.github+json',
    'x-github-api-version': '2022-11-28',
  }),
  // The installation token of an App has no user, but every token has a rate limit.
  check: ({ http }) => http.get('rate_limit'),
} satisfies Pick<Provider<z.ZodMiniObject<{ token: z.ZodMiniString }>>, 'headers' | 'check'>

/** How a repository is named; a part of dots alone would leave the path. */
export const repository = {
  pattern: /^(?!\.+\/)[A-Za-z0-9_.-]+\/(?!\.+$)[A-Za-z0-9_.-]+$/,
  example: 'octo-org/octo-repo',
}

/** Where a repository is below the API. */
export function repositoryPath(project: string): string {
  const [owner = '', repo = ''] = project.split('/')
  return `repos/${segment(owner)}/${segment(repo)}`
}

/** Where people see what the API of this address has; undefined where the address does not tell. */
export function siteOf(baseUrl: string): string | undefined {
  const { origin, hostname, pathname } = new URL(baseUrl)
  if (/^api\.(?:github\.com|[\w-]+\.ghe\.com)$/.test(hostname)) return origin.replace('//api.', '//')
  return /^\/api\/v3\/?$/.test(pathname) ? origin : undefined
}
