import { DEFAULT_ORCHESTRATOR } from '../../../shared/orchestrators/index.ts'
import { connectionPath } from '../../../shared/providers/connections.ts'
import { registerSecret } from '../../../shared/redact.ts'
import { settings } from '../../../shared/settings.ts'
import { tokenHash } from '../../project/token-hash.ts'
import type { LocalCloud } from '../cloud/index.ts'
import type { LocalSecrets } from '../secrets.ts'
import type { ViewContext } from './call-summary.ts'
import { engineTitle } from './engine-title.ts'
import { asText, parseObject } from './json-text.ts'
import { ProviderTitles } from './provider-titles.ts'

/** Facts about calls that the secrets of the runtime contain. */
export interface LocalContext extends ViewContext {
  cloud: LocalCloud
  /** Returns a token for calls to the runtime as a caller. Undefined if it has none: the secrets contain hashes. */
  tokenOf(caller: string): string | undefined
  /** Reads changed secrets. Registers them, so that they are masked before a call is stored or sent to a page. */
  refresh(): void
  /** Returns the connections of a category, with their providers. */
  connectionsOf(category: string): { name: string; provider: string }[]
}

/** @param tokens for calls to the runtime, which are masked like the secrets */
export function createContext(cloud: LocalCloud, secrets: LocalSecrets, tokens: () => string[]): LocalContext {
  const titles = new ProviderTitles()
  let version: string | undefined
  const entryOf = (caller: string): string | undefined =>
    JSON.stringify(parseObject(secrets.get(`${settings.secretPrefix}/callers`))?.[caller])
  const providerOf = (category: string, connection: string) =>
    textIn(secrets.get(connectionPath(category, connection)), 'provider')
  return {
    cloud,
    providerOf,
    titleOf: (category, provider) => titles.titleOf(category, provider),
    orchestratorOf: (caller) => textIn(entryOf(caller), 'orchestrator') || DEFAULT_ORCHESTRATOR,
    tokenOf: (caller) => tokens().find((token) => entryOf(caller)?.includes(tokenHash(token))),
    engineOf(orchestrator) {
      const type = textIn(secrets.get(`${settings.secretPrefix}/orchestrators/${orchestrator}`), 'type') || orchestrator
      return engineTitle(type)
    },
    refresh() {
      if (secrets.version() === version) return
      version = secrets.version()
      registerSecrets(secrets)
      tokens().forEach(registerSecret)
      void loadTitles(secrets, titles)
    },
    connectionsOf(category) {
      const folder = connectionPath(category, '')
      const names = secrets.names().filter((name) => name.startsWith(folder))
      return names.map((path) => {
        const name = path.slice(folder.length)
        return { name, provider: providerOf(category, name) }
      })
    },
  }
}

function textIn(secret: string | undefined, field: string): string {
  return asText(parseObject(secret)?.[field])
}

/** Loads the titles of the providers of all connections. A provider that does not load has none: a call that uses it shows why. */
async function loadTitles(secrets: LocalSecrets, titles: ProviderTitles): Promise<void> {
  const prefix = connectionPath('', '').slice(0, -1)
  const names = secrets.names().filter((name) => name.startsWith(prefix))
  await Promise.allSettled(
    names.map((name) =>
      titles.load(name.slice(prefix.length).split('/', 1)[0] ?? '', textIn(secrets.get(name), 'provider')),
    ),
  )
}

/** Registers all secrets, so that they are masked everywhere. */
function registerSecrets(secrets: LocalSecrets): void {
  for (const name of secrets.names()) {
    try {
      JSON.parse(secrets.get(name) ?? 'null', (property, value) => {
        if (typeof value === 'string' && /(token|secret|password|key)$/i.test(property)) registerSecret(value)
        // All values of these are secret.
        if (['secrets', 'secretHeaders', 'keys'].includes(property) && value !== null)
          Object.values(value).map(String).forEach(registerSecret)
        return value
      })
    } catch {
      // Functions cannot use a secret that is not JSON, so it does not appear anywhere.
    }
  }
}
