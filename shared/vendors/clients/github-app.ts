import * as z from 'zod/mini'
import { Http } from '../../http/client.ts'
import type { HttpOptions } from '../../http/options.ts'
import { segment } from '../../http/segment.ts'
import { TokenCache } from '../../http/token-cache.ts'
import { githubHeaders, repositoryPath } from './github.ts'
import { signJwt } from './jwt.ts'

/** Load this module with `import()`: node:crypto takes long to load. */

/** A GitHub App, as its orchestrator's secret describes it. */
export interface GitHubApp {
  /** The URL of the API. */
  baseUrl: string
  /** The id or the client id. */
  appId: string
  /** PEM, PKCS#1 or PKCS#8. */
  privateKey: string
  /** PEM of a private certificate authority. */
  ca?: string | undefined
}

/** A repository in which the App is installed. */
export interface InstalledRepository {
  /** `owner/repo` */
  repository: string
  /** The ids, if a webhook contained them. A repository can be renamed. */
  repositoryId?: number | undefined
  installationId?: number | undefined
}

type Permissions = Record<string, 'read' | 'write'>

/** The clock of GitHub may be behind. */
const CLOCK_SKEW_SECONDS = 60
/** GitHub accepts at most ten minutes. */
const JWT_SECONDS = 540
const EXPIRY_MARGIN_MS = 300_000

const tokens = new TokenCache(EXPIRY_MARGIN_MS)

const installation = z.object({ id: z.int() })
const installationToken = z.object({ token: z.string().check(z.minLength(1)), expires_at: z.string() })

/** Returns a client that acts as the App itself. */
export function appClient(app: GitHubApp): Http {
  return clientOf(app, appAuthorization(app))
}

function appAuthorization(app: GitHubApp): HttpOptions['authorization'] {
  return { headers: async () => githubHeaders(appToken(app, Date.now())) }
}

/** Returns a client that acts as the App in one repository, with no more permissions than it needs. */
export function installationClient(app: GitHubApp, target: InstalledRepository, permissions: Permissions): Http {
  const key = JSON.stringify([app.baseUrl, app.appId, target, permissions])
  return clientOf(app, {
    async headers() {
      const token = await tokens.get(key, () => fetchInstallationToken(app, target, permissions))
      return githubHeaders(token)
    },
    invalidate: () => tokens.delete(key),
  })
}

function clientOf(
  { baseUrl, ca }: GitHubApp,
  authorization: HttpOptions['authorization'],
  options: Pick<HttpOptions, 'isCredentialsError'> = {},
): Http {
  return new Http({ platform: 'GitHub', baseUrl, ca, authorization, ...options })
}

/**
 * Returns the JSON Web Token of an App, and registers it for masking.
 *
 * @param now epoch milliseconds
 * @see https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
 */
function appToken({ appId, privateKey }: GitHubApp, now: number): string {
  const seconds = Math.floor(now / 1_000)
  const claims = { iat: seconds - CLOCK_SKEW_SECONDS, exp: seconds + JWT_SECONDS, iss: appId }
  return signJwt(claims, privateKey, 'the GitHub App')
}

/**
 * Requests a token of an installation for one repository.
 *
 * @see https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
 */
async function fetchInstallationToken(
  app: GitHubApp,
  { repository, repositoryId, installationId }: InstalledRepository,
  permissions: Permissions,
) {
  // The installation has not granted the permissions, or is suspended. Its owner can change both.
  const isCredentialsError = (status: number) => status === 403 || status === 422
  const http = clientOf(app, appAuthorization(app), { isCredentialsError })
  const path = `${repositoryPath(repository)}/installation`
  const id = installationId ?? (await http.get(path, { schema: installation })).body.id
  const [, name = ''] = repository.split('/')
  const { body } = await http.post(
    `app/installations/${segment(id)}/access_tokens`,
    { ...(repositoryId === undefined ? { repositories: [name] } : { repository_ids: [repositoryId] }), permissions },
    // Nothing that people see changes.
    { isRead: true, schema: installationToken },
  )
  return { token: body.token, expiresAt: Date.parse(body.expires_at) }
}
