import { createEnvironment, type Environment } from '../../../infra/sandbox/platforms/dynatrace/environment.ts'
import { errorResponse } from '../../../infra/sandbox/platforms/dynatrace/responses.ts'
import { demo } from '../../../infra/sandbox/platforms/sandbox/demo.ts'
import { json } from '../../../infra/sandbox/platforms/sandbox/http.ts'
import { openStore } from '../../../infra/sandbox/platforms/sandbox/store.ts'
import type { Served } from '../../../infra/testing/loopback-server.ts'
import { servePlatform } from '../serve-platform.ts'

export interface EnvironmentServer extends Served, Pick<Environment, 'automation' | 'grail'> {
  environment: Environment
  oauth: { tokenUrl: string; clientId: string; clientSecret: string }
  /** The secret of an orchestrator that sends results to this environment. */
  settings: Record<string, unknown>
  /** Deletes the executions and events. */
  empty(): void
}

/** Starts a Dynatrace environment of its own, with its OAuth server. */
export async function startEnvironment(): Promise<EnvironmentServer> {
  const store = openStore()
  const environment = createEnvironment(store)
  const oauth = { clientId: 'dt0s02.ABCDEFGH', clientSecret: 'dt0s02.ABCDEFGH.FEDCBA9876543210' }
  const served = await servePlatform({
    error: errorResponse,
    answer(call) {
      if (call.path !== '/sso/oauth2/token') return environment.answer(call)
      const form = new URLSearchParams(call.body)
      if (form.get('client_id') !== oauth.clientId || form.get('client_secret') !== oauth.clientSecret)
        return json(401, { error: 'invalid_client' })
      return json(200, { access_token: demo.dynatracePlatformToken, token_type: 'Bearer', expires_in: 300 })
    },
  })
  return {
    ...served,
    environment,
    automation: environment.automation,
    grail: environment.grail,
    oauth: { tokenUrl: `${served.url}/sso/oauth2/token`, ...oauth },
    settings: {
      type: 'dynatrace',
      baseUrl: served.url,
      token: demo.dynatracePlatformToken,
      workflows: [demo.workflows.continuation],
      ingestUrl: served.url,
      ingestToken: demo.dynatraceToken,
    },
    empty() {
      store.empty()
      Object.assign(environment.guardian, { result: 'pass', takes: 0, type: 'business' })
      Object.assign(environment.grail, { takes: 0, late: 0 })
    },
    async close() {
      await served.close()
      store.close()
    },
  }
}
