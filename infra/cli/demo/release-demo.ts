import { loadSequence } from '../../sandbox/keptn/sequence-files.ts'
import type { FaultSpec } from '../../sandbox/platforms/sandbox/faults.ts'
import type { LoggedRequest } from '../../sandbox/platforms/sandbox/sandbox.ts'
import { approveOrReject, countApprovals } from './approve.ts'
import type { Demo } from './demo.ts'
import type { DemoRuntime } from './demo-runtime.ts'
import { playInRuntime, WITH_KEPTN } from './sequence-demo.ts'
import { until } from './until.ts'

/** GitHub starts the first deployment, but does not say so. */
const FAULT = {
  target: 'github',
  kind: '503',
  after: true,
  count: 1,
  match: { method: 'POST', path: '/dispatches' },
} satisfies FaultSpec

/**
 * A release: a deployment, a load test, an evaluation, an approval and the production deployment. GitHub fails once, and the runtime is
 * killed while the production deployment runs.
 */
export function releaseDemo(): Demo {
  return {
    ...WITH_KEPTN,
    async play(runtime, print) {
      await addFault(runtime)
      print('github   will start the first deployment, and answer 503 as if it had not')
      const ended = await playInRuntime(
        runtime,
        {
          files: loadSequence('release'),
          explanations: {
            'staging deployment': 'GitHub Actions deploys version 1.4.2',
            'staging test': 'a load test of 5 seconds, with limits for latency and errors',
            'staging evaluation': 'Dynatrace says whether the service meets its objective',
            'production approval': 'a person decides in the chat',
            'production deployment': 'GitHub Actions deploys to production',
            'production evaluation': 'Dynatrace evaluates the service again',
          },
          onAccepted: {
            async 'staging deployment'() {
              await until('the failed request', async () => ((await failedRequests(runtime)) > 0 ? true : undefined))
              print('github   has started it, and answered 503. The task looks for the run by its key')
            },
            'production approval': () => approveOrReject(runtime, print),
            async 'production deployment'() {
              await until('the deployment', async () =>
                (await deployments(runtime, 'production')) > 0 ? true : undefined,
              )
              await runtime.crash('with kill -9, while GitHub deploys', print)
            },
          },
        },
        print,
      )
      return { ...ended, ...(await effects(runtime)) }
    },
    expected: {
      passed: true,
      results: 6,
      failedRequests: 1,
      stagingDeployments: 1,
      productionDeployments: 1,
      approvals: 1,
    },
    expectedIfRejected: { passed: false, results: 4, productionDeployments: 0 },
  }
}

async function addFault({ url }: DemoRuntime): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const { status } = await fetch(`${url}/sandbox/faults`, { method: 'POST', headers, body: JSON.stringify(FAULT) })
  if (status !== 201) throw new Error(`The sandbox refused the fault: ${status}.`)
}

async function deployments(runtime: DemoRuntime, stage: string): Promise<number> {
  const runs = await runtime.list<{ inputs: Record<string, string> }[]>('sandbox/runs')
  return runs.filter(({ inputs }) => inputs['stage'] === stage).length
}

async function failedRequests(runtime: DemoRuntime): Promise<number> {
  const requests = await runtime.list<LoggedRequest[]>('sandbox/requests?target=github')
  return requests.filter(({ status }) => status === 503).length
}

async function effects(runtime: DemoRuntime) {
  return {
    failedRequests: await failedRequests(runtime),
    stagingDeployments: await deployments(runtime, 'staging'),
    productionDeployments: await deployments(runtime, 'production'),
    approvals: await countApprovals(runtime),
  }
}
