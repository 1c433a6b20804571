import * as z from 'zod/mini'
import { optional, secret, url, word } from '../fields.ts'
import { segment } from '../http/segment.ts'
import type { Provider } from '../providers/provider.ts'

/** The fields of a connection to GitHub in every category. */
export const githubConnection = {
  baseUrl: z._default(
    url('URL of the API: https://api.github.com, or https://<host>/api/v3 for GitHub Enterprise Server'),
    'https://api.github.com',
  ),
  token: secret('A fine-grained personal access token, or an installation access token of a GitHub App'),
  project: optional(word('Default repository, as owner/repo')),
}

/**
 * The common members of all GitHub providers.
 *
 * @see https://docs.github.com/en/rest/about-the-rest-api/api-versions
 */
export const githubApi = {
  headers: ({ token }: { token: string }) => ({
    authorization: `Bearer ${token}`,
    accept: 'application/vnd.github+json',
    'x-github-api-version': '2022-11-28',
  }),
  // An installation access token has no user, but every token has a rate limit.
  check: ({ http }) => http.get('rate_limit'),
} satisfies Pick<Provider<z.ZodMiniObject<{ token: z.ZodMiniString }>>, 'headers' | 'check'>

/** A repository. Excludes names of dots only, which would change the path of a request. */
export const repository = {
  pattern: /^(?!\.+\/)[A-Za-z0-9_.-]+\/(?!\.+$)[A-Za-z0-9_.-]+$/,
  example: 'octo-org/octo-repo',
}

/** Returns the API path of a repository. */
export function repositoryPath(project: string): string {
  const [owner = '', repo = ''] = project.split('/')
  return `repos/${segment(owner)}/${segment(repo)}`
}

/** Returns the URL of GitHub's web interface, if it can be derived from the URL of the API. */
export function siteOf(baseUrl: string): string | undefined {
  const { origin, hostname, pathname } = new URL(baseUrl)
  if (/^api\.(?:github\.com|[\w-]+\.ghe\.com)$/.test(hostname)) return origin.replace('//api.', '//')
  return /^\/api\/v3\/?$/.test(pathname) ? origin : undefined
}
