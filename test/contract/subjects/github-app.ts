import { generateKeyPairSync } from 'node:crypto'
import {
  deploymentRequested,
  INSTALLATION_ID,
  pendingDeployments,
  SHA,
  webhookHeaders,
} from '../../../infra/platforms/github/deployments.ts'
import { githubType } from '../../../shared/orchestrators/github/github.ts'
import { githubSecret } from '../../../shared/orchestrators/github/secret.ts'
import type { Answer } from '../../../shared/orchestrators/orchestrator.ts'
import { errored, type Outcome, passed } from '../../../shared/outcome.ts'
import { appClient } from '../../../shared/vendors/clients/github-app.ts'
import { failedDeliveries, redeliver } from '../../../shared/vendors/clients/github-deliveries.ts'
import { type Case, key, type Subject } from '../cases.ts'

const run = '/repos/{owner}/{repo}/actions/runs/{run_id}'
const review = `POST ${run}/deployment_protection_rule`
const repository = 'octo-org/octo-repo'
const environment = { name: 'staging', deploymentId: 5, hasOtherRule: false, decision: null, comments: [] }
const waitingRun = { id: 7, repository, environments: [environment] }
const waiting = {
  repository,
  repositoryId: 1_296_269,
  installationId: INSTALLATION_ID,
  runId: 7,
  environment: 'staging',
}
const commit = { repository, sha: SHA }
const outcome = passed('Passed: 0 errors', {}, { k6: 'https://k6.example.com/runs/7' })
const finished = (of: Outcome): Answer => ({ kind: 'finished', outcome: of })
const webhookSecret = 'a-webhook-secret-of-the-contract'
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const settings = {
  ...{ type: 'github', appId: 'Iv23liExample', webhookSecret, caller: 'github' },
  privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
}

const send = (how: string, answer: Answer, more: Partial<Case> = {}): Case => ({
  ...{ action: 'send', how, input: answer, says: 'sent' },
  ...more,
})
const refused = { status: 422, body: { message: 'No pending deployment requests to approve or reject' } }
const app = (permissions: object, events: string[]) => ({
  'GET /app': [{ body: { id: 1, slug: 'webhooks', name: 'Webhooks', permissions, events } }],
})

const runCase =
  (report: 'deployment' | 'check', address: object): Subject['run'] =>
  async (url, { action, input, isRetry = false }) => {
    const parsed = githubSecret.parse({ ...settings, report, baseUrl: url })
    const orchestrator = githubType.connect(parsed)
    if (action === 'check') {
      await orchestrator.check()
      return 'checked'
    }
    if (action === 'redeliver') {
      const http = appClient(parsed)
      const [failed] = await failedDeliveries(http, Date.now())
      if (failed) await redeliver(http, failed)
      return failed?.event ?? 'nothing'
    }
    if (action === 'receive') {
      const payload = deploymentRequested(url, waitingRun, environment)
      const body = JSON.stringify(payload)
      const headers = webhookHeaders(webhookSecret, 'deployment_protection_rule', 'a-guid', body)
      // The fake of GitHub must send what GitHub's schema describes.
      await fetch(`${url}/our/github/deployment-protection-rule`, { method: 'POST', headers, body })
      return (await orchestrator.receive?.({ headers, rawBody: () => Buffer.from(body) }))?.replyTo ?? ''
    }
    const task = { id: key, category: 'load-testing', action: 'start-test', caller: 'github', labels: true }
    const event = { id: 'an-event', labels: {} }
    return orchestrator.send({ ...task, event, replyTo: JSON.stringify(address) }, input as Answer, isRetry ? 4 : 0)
  }

export const githubDeployments: Subject = {
  name: 'github',
  contract: 'github-deployment-protection',
  credentials: [[{ kind: 'bearer' }], [{ kind: 'key', in: 'header', name: 'X-Hub-Signature-256' }]],
  cases: [
    {
      ...{ action: 'check', how: 'the App' },
      answers: app({ actions: 'read', deployments: 'write' }, ['deployment_protection_rule']),
    },
    { action: 'receive', how: 'a delivery', says: '"runId":7' },
    send('started', { kind: 'started' }),
    send('progress', { kind: 'progress', message: 'stage 2 of 4' }),
    send('approved', finished(outcome)),
    send('rejected', finished(errored(new Error('Something broke')))),
    send('approved again, because it still waits', finished(outcome), {
      isRetry: true,
      answers: { [`GET ${run}/pending_deployments`]: [{ body: pendingDeployments(waitingRun) }] },
    }),
    send('a decision that is too late', finished(outcome), {
      ...{ answers: { [review]: [refused], [`GET ${run}/pending_deployments`]: [{ body: [] }] }, says: 'unwanted' },
    }),
    {
      ...{ action: 'redeliver', how: 'a failed delivery', says: 'deployment_protection_rule.requested' },
      answers: {
        'GET /app/hook/deliveries': [
          {
            body: [
              {
                ...{ id: 42, guid: 'a', delivered_at: new Date().toISOString(), redelivery: false, duration: 0.1 },
                ...{ status: 'timed out', status_code: 0, event: 'deployment_protection_rule', action: 'requested' },
                ...{ installation_id: 1, repository_id: 2 },
              },
            ],
          },
        ],
      },
    },
  ],
  run: runCase('deployment', waiting),
}

const found = { id: 4, name: 'load-testing/start-test', external_id: key, conclusion: null }

export const githubCheckRuns: Subject = {
  name: 'github',
  contract: 'github',
  credentials: [[{ kind: 'bearer' }]],
  cases: [
    { action: 'check', how: 'the App', answers: app({ checks: 'write' }, ['check_run', 'check_suite']) },
    send('started', { kind: 'started' }),
    send('completed', finished({ ...outcome, result: 'warning' })),
    send('completed, after it was started', finished(outcome), {
      answers: {
        'GET /repos/{owner}/{repo}/commits/{ref}/check-runs': [{ body: { total_count: 1, check_runs: [found] } }],
      },
    }),
  ],
  run: runCase('check', commit),
}
