import { expect, it } from '@jest/globals'
import { dist } from '../../infra/build/files.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { callOf } from './calls.ts'
import { planOf } from './plan.ts'
import { prove } from './prove.ts'

const folder = temporaryFolder()

it('the runtime loses, duplicates and leaks nothing while it is killed and platforms fail', async () => {
  const proof = await prove({
    seed: 20_261_216,
    folder,
    bundles: dist,
    // Each category has its own environments to start after a kill: these three have a ticket, a run and a message.
    only: ['issue-ticketing', 'optimization', 'notification'],
    ms: 8_000,
    quietWithin: 80_000,
    calls: 30,
    atOnce: 30,
    pace: 0.25,
    concurrency: 2,
  })
  // How late something is says as much of the machine, which has other tests to run.
  const violations = proof.violations.filter(({ claim }) => claim !== 'deadline')
  expect([violations, violations.length > 0 ? proof.timelines : []]).toEqual([[], []])
  expect(proof.calls).toMatchObject({ planned: 30 })
  expect(proof.calls.accepted).toBeGreaterThan(20)
  expect(proof.injected).toMatchObject({ kills: 1, rotations: 1, stops: 1, stalls: 1, TLS: 1, 'clock steps': 2 })
  expect(proof.agents.accepted).toBeGreaterThan(0)
  expect(proof.alerts.requests).toBeGreaterThan(1)
  expect(proof.engines.length).toBeGreaterThan(3)
  // How many of them ask people, how they decide, and how many notifications there are in this short time, depends on the machine.
  expect(proof.policy.calls).toBeGreaterThan(5)
  expect(proof.policy.auditRecords).toBeGreaterThan(15)
  expect(proof.searched.bytes).toBeGreaterThan(1_000_000)
})

it('the plan depends on the seed only', () => {
  const all = (seed: number) =>
    JSON.stringify([planOf(seed, 60_000), Array.from({ length: 50 }, (_, n) => callOf(seed, n))])
  expect(all(7)).toBe(all(7))
  expect(all(7)).not.toBe(all(8))
})
