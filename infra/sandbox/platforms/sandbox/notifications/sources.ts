import { createHmac } from 'node:crypto'
import { basicAuth } from '../../../../../shared/http/basic-auth.ts'
import type { EventsFile } from '../../../../../shared/sources/events-file.ts'
import { type EngineHost, placeOf } from '../../../engines/place.ts'
import { ALERT_RULES, ALERT_SOURCE, alertToken } from './alert-example.ts'
import type { NotifyingPlatform } from './open-runs.ts'

/** The connections of each notifying platform, whose tasks its notifications wake. The type of the source has the name of the platform. */
export const NOTIFIED_CONNECTIONS: Record<NotifyingPlatform, string[]> = {
  github: ['ci-cd/default'],
  rundeck: ['incident-management/runbooks', 'remediation/default'],
  databricks: ['optimization/default'],
}
const platforms = Object.keys(NOTIFIED_CONNECTIONS) as NotifyingPlatform[]

/** The user of Databricks, whose notifications have no signature. */
const USER = 'databricks'

/** The names differ from those that users choose, so that no secret of theirs is mixed with one of the sandbox. */
function sourceNameOf(platform: NotifyingPlatform): string {
  return `sandbox-${platform}`
}

/**
 * Returns the sources of the sandbox, and the rules for alerts.
 *
 * @param wakes selects connections
 */
export function sandboxSources(wakes: (connection: string) => boolean): EventsFile {
  const sources = platforms.map((platform) => [
    sourceNameOf(platform),
    { type: platform, wakes: NOTIFIED_CONNECTIONS[platform].filter(wakes) },
  ])
  return {
    sources: { ...Object.fromEntries(sources), [ALERT_SOURCE]: { type: 'alertmanager', wakes: [] } },
    rules: ALERT_RULES,
  }
}

/** Returns whether a file declares the sources of all platforms that notify the runtime of their runs. */
export function declaresSandboxSources({ sources }: EventsFile): boolean {
  return platforms.every((platform) => Object.hasOwn(sources, sourceNameOf(platform)))
}

/** Returns the secrets of these sources, by their names. */
export function sandboxSourceSecrets(host: EngineHost): Record<string, object> {
  const secrets = secretsOf(host)
  const entries = platforms.map((platform) => [sourceNameOf(platform), secrets[platform]])
  return { ...Object.fromEntries(entries), [ALERT_SOURCE]: { token: alertToken(host) } }
}

function secretsOf(host: EngineHost) {
  const credential = (name: NotifyingPlatform) => placeOf({ name }, host).credential('source')
  return {
    github: { keys: [credential('github')] },
    rundeck: { token: credential('rundeck') },
    databricks: { user: USER, password: credential('databricks') },
  }
}

/** Returns the path of the source of a platform, and the headers with which the platform authenticates a notification. */
export function authenticate(
  platform: NotifyingPlatform,
  body: string,
  host: EngineHost,
): { path: string; headers: Record<string, string> } {
  const { github, rundeck, databricks } = secretsOf(host)
  const path = `/v1/events/${sourceNameOf(platform)}`
  switch (platform) {
    case 'github': {
      const [key = ''] = github.keys
      const signature = createHmac('sha256', key).update(body).digest('hex')
      return { path, headers: { 'x-hub-signature-256': `sha256=${signature}` } }
    }
    case 'rundeck':
      return { path: `${path}?${new URLSearchParams(rundeck)}`, headers: {} }
    case 'databricks':
      return { path, headers: { authorization: basicAuth(databricks.user, databricks.password) } }
  }
}
