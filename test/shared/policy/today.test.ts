import { describe, expect, it } from '@jest/globals'
import type { PolicyCall } from '../../../shared/policy/call.ts'
import { compilePolicy } from '../../../shared/policy/file.ts'
import { applyToday } from '../../../shared/policy/today.ts'
import type { Window } from '../../../shared/policy/window.ts'

const NOW = Date.parse('2026-12-24T12:00:00Z')
const call: PolicyCall = {
  category: 'ci-cd',
  action: 'trigger-deployment',
  isFree: false,
  isStop: false,
  effect: 'irreversible',
  connection: 'prod',
  caller: { name: 'release', isAgent: false, writes: 'allow', owners: [] },
  project: undefined,
  stage: undefined,
  service: undefined,
  input: {},
}
const freeze = (to: string) => [{ from: '2026-12-20', to, reason: 'Year-end closing' }]
const approvable = { otherwise: 'approve', approve: {} }
const policyOf = (rule: object) =>
  compilePolicy({ timeZone: 'UTC', approval: { connection: 'ops' }, rules: [{ name: 'year end', ...rule }] })

/** Returns the window of a rule. */
function windowOf(rule: object): Window {
  const [compiled] = policyOf(rule).rules
  if (compiled?.effect.type !== 'window') throw new Error('The rule has no window.')
  return compiled.effect.window
}

const opened = { rule: 'year end', window: windowOf({ freeze: freeze('2027-01-04'), ...approvable }) }

describe('A window that people have opened for an action', () => {
  it.each<[string, string, object]>([
    ['does not close again while it is the same', 'allowed', { freeze: freeze('2027-01-04'), ...approvable }],
    ['does not open another one', 'closed', { freeze: freeze('2027-01-11'), ...approvable }],
    ['does not open one that refuses now', 'refused', { freeze: freeze('2027-01-04') }],
    ['does not open one for which tasks wait now', 'closed', { freeze: freeze('2027-01-04'), otherwise: 'wait' }],
    ['does not allow what its rule denies now', 'refused', { deny: 'An incident' }],
  ])('%s', (_what, type, rule) => {
    expect(applyToday(policyOf(rule), call, [opened], NOW)).toMatchObject({ type })
  })

  it('is known by the name of its rule to tasks of earlier versions', () => {
    const { rule } = opened
    expect(applyToday(policyOf({ freeze: freeze('2027-01-11'), ...approvable }), call, [{ rule }], NOW)).toMatchObject({
      type: 'allowed',
    })
    expect(applyToday(policyOf({ deny: 'An incident' }), call, [{ rule }], NOW)).toMatchObject({ type: 'refused' })
  })
})
