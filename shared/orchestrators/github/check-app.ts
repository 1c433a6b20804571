import * as z from 'zod/mini'
import { refused } from '../../errors.ts'
import { appClient } from '../../vendors/clients/github-app.ts'
import type { GitHubSettings } from './secret.ts'

/** Load this module with `import()`: only connection tests need it. */

const app = z.object({
  name: z.string(),
  permissions: z.record(z.string(), z.string()),
  events: z.array(z.string()),
})
const hook = z.object({ url: z.nullish(z.string()), content_type: z.optional(z.string()) })

/** The permissions and events of an App, by what it reports to. */
export const REQUIREMENTS = {
  deployment: { permissions: { actions: 'read', deployments: 'write' }, events: ['deployment_protection_rule'] },
  check: { permissions: { checks: 'write' }, events: ['check_run', 'check_suite'] },
} as const

/**
 * Checks that GitHub accepts the key of the App, and that the App has what it needs.
 *
 * @throws Failure
 * @see https://docs.github.com/en/rest/apps/apps#get-the-authenticated-app
 * @see https://docs.github.com/en/rest/apps/webhooks#get-a-webhook-configuration-for-an-app
 */
export async function checkApp(settings: GitHubSettings): Promise<void> {
  const http = appClient(settings)
  const { name, permissions, events } = (await http.get('app', { schema: app })).body
  const needed = REQUIREMENTS[settings.report]
  const missing = [
    ...Object.entries(needed.permissions)
      .filter(([permission, access]) => ![access, 'write'].includes(permissions[permission] ?? ''))
      .map(([permission, access]) => `the permission ${permission}: ${access}`),
    ...needed.events.filter((event) => !events.includes(event)).map((event) => `the event ${event}`),
  ]
  if (missing.length > 0)
    throw refused(`The GitHub App ${name} needs ${missing.join(' and ')}. Add it in the settings of the App.`)
  const { url, content_type: contentType } = (await http.get('app/hook/config', { schema: hook })).body
  if (contentType !== 'json' || !url?.includes('orchestrator='))
    throw refused(
      `The webhook of the GitHub App ${name} must send application/json to https://<api>/v1/<category>/<action>?orchestrator=<name>.`,
    )
}
