import * as z from 'zod/mini'
import { optional, secret, url, word } from '../fields.ts'
import type { Provider } from '../providers/provider.ts'
import { GITHUB_API_URL, githubHeaders } from './clients/github.ts'

/** The fields of a connection to GitHub in every category. */
export const githubConnection = {
  baseUrl: z._default(
    url('URL of the API: https://api.github.com, or https://<host>/api/v3 for GitHub Enterprise Server'),
    GITHUB_API_URL,
  ),
  token: secret('A fine-grained personal access token, or an installation access token of a GitHub App'),
  project: optional(word('Default repository, as owner/repo')),
}

/** The common members of all GitHub providers. */
export const githubApi = {
  headers: ({ token }: { token: string }) => githubHeaders(token),
  // An installation access token has no user, but every token has a rate limit.
  check: ({ http }) => http.get('rate_limit'),
} satisfies Pick<Provider<z.ZodMiniObject<{ token: z.ZodMiniString }>>, 'headers' | 'check'>

/** Returns the URL of GitHub's web interface, if it can be derived from the URL of the API. */
export function siteOf(baseUrl: string): string | undefined {
  const { origin, hostname, pathname } = new URL(baseUrl)
  if (/^api\.(?:github\.com|[\w-]+\.ghe\.com)$/.test(hostname)) return origin.replace('//api.', '//')
  return /^\/api\/v3\/?$/.test(pathname) ? origin : undefined
}
