import { generateKeyPairSync } from 'node:crypto'
import { type AppState, answerApp } from '../../../infra/sandbox/platforms/github/app-routes.ts'
import {
  deploymentRequested,
  SHA,
  type WaitingEnvironment,
  type WaitingRun,
  webhookHeaders,
} from '../../../infra/sandbox/platforms/github/deployments.ts'
import { type Served, serve } from '../../../infra/testing/loopback-server.ts'

export interface GithubAppServer extends Served {
  state: AppState
  runs: WaitingRun[]
  /** The settings of the secret of the orchestrator. */
  settings: { baseUrl: string; appId: string; privateKey: string; webhookSecret: string; caller: string }
  /** Starts a run whose deployment waits for the App. */
  startRun(environment?: string): { run: WaitingRun; environment: WaitingEnvironment; payload: object }
  /** Returns a signed request to the webhook of the App. */
  signed(event: string, payload: object, guid?: string): { headers: Record<string, string>; body: string }
  reset(): void
}

const FIRST_RUN_ID = 23_625_057_533
const FIRST_DEPLOYMENT_ID = 4_189_575_565
const REPOSITORY = 'octo-org/octo-repo'
const WEBHOOK_SECRET = 'a-webhook-secret-of-the-tests-0123456789'
const permissions = { actions: 'read', deployments: 'write', checks: 'write', metadata: 'read' }
const hook = {
  url: 'https://webhooks.example.com/v1/ci-cd/trigger-deployment?orchestrator=github',
  content_type: 'json',
}

// Creating a key takes long.
const keys = generateKeyPairSync('rsa', { modulusLength: 2_048 })

/** The state after a reset. */
const initial = () => ({
  permissions: { ...permissions },
  hook: { ...hook },
  isInstalled: true,
  events: ['check_run', 'check_suite', 'deployment_protection_rule'],
  checks: [],
  commits: [SHA],
  deliveries: [],
})

/** Starts a GitHub with one App, which is installed in one repository. */
export async function startGithubApp(): Promise<GithubAppServer> {
  const runs: WaitingRun[] = []
  // Also after a reset, a deployment is not that of an earlier test.
  let deploymentId = FIRST_DEPLOYMENT_ID
  const state: AppState = {
    appIds: ['1234', 'Iv23liExample'],
    publicKey: () => keys.publicKey,
    ...initial(),
    run: (repository, id) => runs.find((run) => run.repository === repository && run.id === id),
    redeliver({ guid, event, action }) {
      const id = state.deliveries.length + 1
      const delivered_at = new Date().toISOString()
      state.deliveries.push({ id, guid, event, action, delivered_at, redelivery: true, status_code: 202 })
    },
    tokens: new Map(),
  }
  const served = await serve((call) => answerApp(state, call))
  return {
    ...served,
    state,
    runs,
    settings: {
      baseUrl: served.url,
      appId: '1234',
      webhookSecret: WEBHOOK_SECRET,
      caller: 'github',
      privateKey: keys.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    },
    startRun(name = 'production') {
      const environment: WaitingEnvironment = {
        name,
        deploymentId: deploymentId++,
        hasOtherRule: false,
        decision: null,
        comments: [],
      }
      const run = { id: FIRST_RUN_ID + runs.length, repository: REPOSITORY, environments: [environment] }
      runs.push(run)
      return { run, environment, payload: deploymentRequested(served.url, run, environment) }
    },
    signed(event, payload, guid = '0b989ba4-242f-11e5-81e1-c7b6966d2516') {
      const body = JSON.stringify(payload)
      return { headers: webhookHeaders(WEBHOOK_SECRET, event, guid, body), body }
    },
    reset() {
      runs.splice(0)
      Object.assign(state, initial())
      served.recover()
      served.calls.splice(0)
    },
  }
}
