import {
  deploymentRequested,
  INSTALLATION_ID,
  type WaitingEnvironment,
  webhookHeaders,
} from '../../infra/sandbox/platforms/github/deployments.ts'
import type { RecordedExchange } from './recording.ts'

const environment: WaitingEnvironment = {
  name: 'staging',
  deploymentId: 5,
  hasOtherRule: false,
  decision: null,
  comments: [],
}
const run = { id: 7, repository: 'octo-org/octo-repo', environments: [environment] }

/** Returns a delivery of the fake GitHub, which GitHub's schema describes as a request to the App. */
export function githubDelivery(): RecordedExchange {
  const body = JSON.stringify(deploymentRequested('http://127.0.0.1', run, environment))
  return {
    test: 'shared/orchestrators/github/github',
    method: 'POST',
    path: '/our/github/deployment-protection-rule',
    headers: webhookHeaders('a-webhook-secret', 'deployment_protection_rule', String(INSTALLATION_ID), body),
    query: '',
    body,
    status: 200,
    response: undefined,
    isInjected: true,
  }
}
