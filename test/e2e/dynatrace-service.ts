import { tokenHash } from '../../infra/local/credentials.ts'
import type { EnvironmentServer } from '../../infra/platforms/dynatrace/environment-server.ts'
import { demo } from '../../infra/platforms/sandbox/demo.ts'
import { Service } from './service.ts'

/** The ways of the orchestrators, by the name of the caller, which is also its token. */
const CALLERS = {
  'token-for-resume': ['event', 'resume'],
  'token-for-run': ['event', 'run'],
  'token-for-event': ['event'],
}
export type DynatraceCaller = keyof typeof CALLERS

/** The credentials, which must not appear in any log line. */
export const dynatraceSecrets = [...Object.keys(CALLERS), demo.dynatracePlatformToken, demo.dynatraceToken]

/** Starts the webhooks with a caller for each way to answer an environment. */
export function startService({ url }: EnvironmentServer): Promise<Service> {
  const callers = Object.keys(CALLERS).map((token) => {
    const name = token.replace('token-for-', '')
    return [name, { tokens: [tokenHash(token)], categories: ['*'], orchestrator: name }]
  })
  const orchestrators = Object.entries(CALLERS).map(([token, answer]) => [
    `cloud-automation-webhooks/orchestrators/${token.replace('token-for-', '')}`,
    {
      ...{ type: 'dynatrace', baseUrl: url, token: demo.dynatracePlatformToken, answer },
      ...{ workflows: [demo.workflows.continuation], ingestUrl: url, ingestToken: demo.dynatraceToken },
    },
  ])
  const secrets = {
    'cloud-automation-webhooks/callers': Object.fromEntries(callers),
    ...Object.fromEntries(orchestrators),
  }
  return new Service({ timeScale: 20, secrets }).start()
}

/** Returns the executions of the workflow that gets results by run, oldest first. */
export function continued({ automation }: EnvironmentServer) {
  return automation.executions().filter(({ workflow }) => workflow === demo.workflows.continuation)
}
