import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { locust as provider } from '../../functions/load-testing/providers/locust.ts'
import type { Outcome } from '../../shared/outcome.ts'
import type { StartedJob } from '../../shared/providers/action.ts'
import { failureOf } from '../functions/client.ts'
import { Job } from '../functions/job.ts'
import { loadTestActions } from '../functions/job-actions.ts'
import type { Program } from './program.ts'

/** Looks until it ends; what takes longer than this, in milliseconds, does not. */
const longest = 30_000

/** Starts, looks and stops, with what Locust says of them. */
export const locust: Program = {
  name: 'Locust',
  script: 'locust.sh',
  async checks({ url }) {
    let requests = 0
    // Fails every tenth request, so that there are failures to report.
    const shop = createServer((_request, response) => {
      response.statusCode = ++requests % 10 === 0 ? 503 : 200
      response.end('hello')
    }).listen(0, '127.0.0.1')
    await once(shop, 'listening')
    const target = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`
    const tool = new Job(provider, loadTestActions, () => ({ baseUrl: url }))
    const input = (run_time: number) => ({ target, parameters: { user_count: 4, spawn_rate: 4, run_time } })
    const end = async (job: StartedJob, input: object): Promise<Outcome> => {
      for (const until = Date.now() + longest; Date.now() < until; await sleep(1_000)) {
        const result = await tool.poll(job, input)
        if ('outcome' in result) return result.outcome
      }
      throw new Error('The test does not end.')
    }

    return {
      tests: {
        'shows its state': async () => void (await provider.check(tool.client())),
        async 'restarts a Locust that has not run a test yet, although the outcome of an earlier attempt is unknown'() {
          const job = await tool.start(input(6), { isRetry: true })
          const ended = await end(job, input(6))
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
          const failure = await failureOf(tool.start(input(60)))
          assert.match(failure.message, /Locust is running another test \((?:spawning|running)\)/)
          // Its state is cached for two seconds.
          await sleep(2_500)
          await tool.stop({ id: 'current' })
          const ended = await end(job, input(60))
          assert.equal(ended.status, 'aborted')
          assert.match(ended.message, /it was stopped \d+ s early/)
        },
        async 'does not start a test again if the outcome of an earlier attempt is unknown'() {
          assert.equal((await failureOf(tool.start(input(5), { isRetry: true }))).kind, 'doubtful')
        },
        async 'serves the report that is linked'() {
          assert.match(await (await fetch(`${url}/stats/report`)).text(), /Locust/)
        },
      },
      async close() {
        shop.closeAllConnections()
        shop.close()
      },
    }
  },
}
