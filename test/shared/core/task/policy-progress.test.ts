import { describe, expect, it } from '@jest/globals'
import { policyProgressIn } from '../../../../shared/core/task/policy-progress.ts'

const approved = { decision: 'approve', by: 'link: Jane Doe', at: '2026-12-03T13:55:44.241Z', rule: 'one person' }

describe('The progress of a wait for the policy', () => {
  it.each([
    ['before', ['require-wait', 'require-wait-woken-0']],
    ['after', ['require-wait-woken-0', 'require-wait']],
  ])('keeps the decisions of a wait that was woken, if its poll ends %s it', (_order, names) => {
    const results = { 'require-wait': { decisions: [] }, 'require-wait-woken-0': { metAt: 2, decisions: [approved] } }
    const steps = names.map((name, index) => ({
      name,
      result: JSON.stringify(results[name as keyof typeof results]),
      startedAt: index,
    }))
    expect(policyProgressIn(steps)).toMatchObject({ metAt: 2, decisions: [approved] })
  })
})
