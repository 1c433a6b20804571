import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { locust as provider } from '../../functions/load-testing/locust/locust.ts'
import { serve } from '../../infra/testing/loopback-server.ts'
import { Job } from '../functions/job.ts'
import { loadTestActions } from '../functions/job-actions.ts'
import { fails } from './failures.ts'
import { outcomeOf } from './outcome-of.ts'
import type { Program } from './program.ts'

/** Starts, looks and stops, with what Locust says of them. */
export const locust: Program = {
  name: 'Locust',
  script: 'locust.sh',
  async checks({ url }) {
    // Fails every tenth request, so that there are failures to report.
    const shop = await serve(() => ({ status: shop.calls.length % 10 === 0 ? 503 : 200 }))
    const tool = new Job(provider, loadTestActions, () => ({ baseUrl: url }))
    const input = (run_time: number) => ({ target: shop.url, parameters: { user_count: 4, spawn_rate: 4, run_time } })

    return {
      tests: {
        'shows its state': async () => void (await provider.check(tool.client())),
        async 'restarts a Locust that has not run a test yet, although the outcome of an earlier attempt is unknown'() {
          const job = await tool.start(input(6), { isRetry: true })
          const ended = await outcomeOf(() => tool.poll(job, input(6)))
          assert.deepEqual([ended.status, ended.result, ended.data['state']], ['succeeded', 'pass', 'stopped'])
          const { requests: counted, errors, errorRate, rps, p50, p95, max } = ended.data as Record<string, number>
          assert.ok(Number(counted) > 10 && Number(errors) > 0, 'it counts requests and failures')
          // Locust computes the rate itself, with more digits.
          assert.ok(Math.abs(Number(errorRate) - Number(errors) / Number(counted)) < 1e-4, `errorRate is ${errorRate}`)
          assert.ok(Number(rps) > 1 && Number(p50) >= 0 && Number(p95) >= Number(p50) && Number(max) > 0)
          assert.match(ended.message, /requests failed, most with: GET .+HTTPError\('503 Server Error/)
        },
        async 'starts nothing while another test runs, and stops that one'() {
          const job = await tool.start(input(60))
          await fails(tool.start(input(60)), /Locust is running another test \((?:spawning|running)\)/, 'platform')
          // Its state is cached for two seconds.
          await sleep(2_500)
          await tool.stop({ id: 'current' })
          const ended = await outcomeOf(() => tool.poll(job, input(60)))
          assert.equal(ended.status, 'aborted')
          assert.match(ended.message, /it was stopped \d+ s early/)
        },
        async 'does not start a test again if the outcome of an earlier attempt is unknown'() {
          await fails(tool.start(input(5), { isRetry: true }), /./, 'unconfirmed')
        },
        async 'serves the report that is linked'() {
          assert.match(await (await fetch(`${url}/stats/report`)).text(), /Locust/)
        },
      },
      close: shop.close,
    }
  },
}
