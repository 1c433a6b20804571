import { REQUIREMENTS } from '../../../shared/orchestrators/github/check-app.ts'

export interface ManifestOptions {
  /** URL of the API. May end in `/v1`. */
  url: string
  orchestrator: string
  /** `<category>/<action>` */
  target: string
  connection?: string
  deadline?: string
  report: 'deployment' | 'check'
  appName?: string
}

/** @see https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest */
export interface Manifest {
  name: string
  url: string
  hook_attributes: { url: string; active: boolean }
  public: boolean
  default_permissions: Record<string, string>
  default_events: string[]
  redirect_url?: string
}

/** The maximum of GitHub. */
const MAX_NAME = 34

/** Returns the manifest of a GitHub App, which has the permissions and events that the orchestrator needs. */
export function appManifest(options: ManifestOptions): Manifest {
  const { url, orchestrator, target, connection, deadline, report, appName = `webhooks-${orchestrator}` } = options
  const hook = new URL(`${url.replace(/\/+$/, '').replace(/\/v1$/, '')}/v1/${target}`)
  const query = { orchestrator, connection, deadline, sendStarted: 'true', progress: 'true' }
  for (const [name, value] of Object.entries(query)) if (value !== undefined) hook.searchParams.set(name, value)
  const { permissions, events } = REQUIREMENTS[report]
  return {
    name: appName.slice(0, MAX_NAME),
    url,
    hook_attributes: { url: hook.href, active: true },
    public: false,
    default_permissions: { ...permissions },
    default_events: [...events],
  }
}

/** Returns the page of GitHub that creates an App from a manifest. */
export function creationUrl(site: string, organization: string | undefined): string {
  const base = site.replace(/\/$/, '')
  if (organization === undefined) return `${base}/settings/apps/new`
  return `${base}/organizations/${encodeURIComponent(organization)}/settings/apps/new`
}

/** Returns the URL of the API of a GitHub. */
export function apiUrlOf(site: string): string {
  const { origin, host } = new URL(site)
  if (host === 'github.com' || host.endsWith('.ghe.com')) return origin.replace('//', '//api.')
  return `${origin}/api/v3`
}
