import { test } from '@jest/globals'
import { expectDemo } from './expect-demo.ts'

test('webhooks demo release: a failed answer of GitHub and a killed runtime repeat no deployment, approval or result', async () => {
  const effects = {
    passed: true,
    results: 6,
    failedRequests: 1,
    stagingDeployments: 1,
    productionDeployments: 1,
    approvals: 1,
  }
  await expectDemo('release', effects, [
    'github   has started it, and answered 503',
    'result   deployment: pass. Run demo/shop#1',
    'result   test: pass',
    'result   evaluation: pass',
    'chat     releases: ⏳ Approve casdemoapp in release-demo/production?',
    'jane clicks Approve',
    'killed with kill -9, while GitHub deploys',
    'result   deployment: pass. Run demo/shop#2',
  ])
})
