import { describe, expect, test } from '@jest/globals'
import type { PolicyCall } from '../../../../shared/policy/call.ts'
import { evaluateCaller, evaluatePolicy } from '../../../../shared/policy/evaluate.ts'
import { compilePolicy } from '../../../../shared/policy/file.ts'
import { describeLimitWait, describeReached, type StartLimit } from '../../../../shared/policy/kinds/at-most.ts'

const call = (more: Partial<PolicyCall> = {}): PolicyCall => ({
  category: 'remediation',
  action: 'rollback',
  isFree: false,
  isStop: false,
  effect: 'irreversible',
  connection: 'prod',
  caller: { name: 'bot', isAgent: true, writes: 'allow', owners: [] },
  project: 'shop',
  stage: 'production',
  service: 'checkout',
  input: { target: 'checkout' },
  ...more,
})
const approval = { connection: 'ops' }
const policyOf = (target: string, more: object = {}) =>
  compilePolicy({ approval, rules: [{ name: 'breaker', atMost: { count: 5, per: 'PT1H', for: target }, ...more }] })
const decide = (target: string, more?: Partial<PolicyCall>, rule?: object) =>
  evaluatePolicy(policyOf(target, rule), call(more), 0)
const limitOf = (target: string, more?: Partial<PolicyCall>) => decide(target, more).startLimits[0]
const keyOf = (target: string, more?: Partial<PolicyCall>) => limitOf(target, more)?.key

describe('A rule with atMost', () => {
  const target = '{connection}/{input.target}'

  test('is a limit that is counted at the start, and no requirement', () => {
    expect(decide(target)).toMatchObject({
      refusal: undefined,
      requirements: [],
      waitAtMost: 0,
      startLimits: [
        {
          rule: 'breaker',
          target: 'remediation/prod/checkout',
          key: expect.stringMatching(/^[0-9a-f]{40}$/),
          count: 5,
          per: 3_600,
        },
      ],
    })
  })

  test('may let its task wait, or ask people', () => {
    expect(decide(target, {}, { otherwise: 'wait' })).toMatchObject({
      waitAtMost: 14_400,
      startLimits: [],
      requirements: [{ type: 'limit', rule: 'breaker', count: 5 }],
    })
    expect(decide(target, {}, { otherwise: 'approve', waitAtMost: 'PT1H' })).toMatchObject({
      waitAtMost: 3_600,
      startLimits: [],
      requirements: [{ type: 'limit', ask: { connection: 'ops', count: 1 } }],
    })
    const { refusal } = decide(target, {}, { otherwise: 'approve', approve: { notRequester: true } })
    expect(refusal).toEqual({ rule: 'breaker', type: 'requester' })
  })

  test('holds for a caller whose writes need an approval, too', () => {
    const agent = call({ caller: { name: 'bot', isAgent: true, writes: 'approve', owners: [] } })
    const policy = policyOf(target)
    const decision = evaluateCaller(evaluatePolicy(policy, agent, 0), agent, policy.approval)
    expect(decision).toMatchObject({ requirements: [{ type: 'approval' }], startLimits: [{ rule: 'breaker' }] })
  })

  test('counts calls together if people cannot distinguish their targets', () => {
    const key = keyOf(target)
    expect(keyOf(target, { input: { target: ' Check\u200Bout ' } })).toBe(key)
    expect(keyOf('{service}', { service: 'CHECKOUT' })).toBe(keyOf('{service}'))
    expect(keyOf(target, { input: { target: 'cart' } })).not.toBe(key)
    expect(keyOf(target, { connection: 'test' })).not.toBe(key)
    expect(keyOf(target, { category: 'ci-cd' })).not.toBe(key)
    expect(keyOf('{caller}', { caller: { name: 'other', isAgent: false, writes: 'allow', owners: [] } })).not.toBe(
      keyOf('{caller}'),
    )
  })

  test('counts calls that lack a part of the target together', () => {
    const missing = [{ input: {} }, { input: undefined }, { input: { target: '\u200B' } }, { input: { target: null } }]
    const limits = missing.map((more) => limitOf('{input.target}', more))
    expect(new Set(limits.map((limit) => limit?.key)).size).toBe(1)
    expect(limits.map((limit) => limit?.target)).toEqual(['-', '-', '-', '-'])
    expect(keyOf('{input.constructor}')).toBe(keyOf('{input.target}', { input: {} }))
  })

  test('may name a field within the input', () => {
    const input = { parameters: { flag: { a: 1 } } }
    expect(limitOf('{input.parameters.flag}', { input })?.target).toBe('{"a":1}')
  })

  test.each([
    [{ for: '{input}' }, 'must be a text with the parts {connection}, {project}, {stage}, {service}, {caller} and'],
    [{ for: '{connexion}' }, 'rules.0.atMost.for must be a text with the parts'],
    [{ count: 0 }, 'rules.0.atMost.count'],
    [{ count: 1_001 }, 'rules.0.atMost.count'],
    [{ per: 'hour' }, 'rules.0.atMost.per must be a duration'],
  ])('with %j is refused: %s', (more, message) => {
    const atMost = { count: 5, per: 'PT1H', for: '{connection}', ...more }
    expect(() => compilePolicy({ rules: [{ name: 'a', atMost }] })).toThrow(message)
  })
})

describe('A limit that is reached', () => {
  const limit: StartLimit = { rule: 'breaker', key: 'k', target: 'shop', count: 1, per: 3_600 }
  const opensAt = Date.parse('2026-12-07T08:00:00Z')

  test('says when the next action may start', () => {
    expect(describeReached(limit, opensAt)).toBe(
      'The rule "breaker" of the policy allows 1 start in 1 h for shop, and the next one on Monday, 2026-12-07 08:00 UTC',
    )
  })

  test('is described for people', () => {
    expect(describeLimitWait({ ...limit, type: 'limit', count: 5 }, opensAt)).toBe(
      'Waits until Monday, 2026-12-07 08:00 UTC: 5 starts in 1 h for shop (breaker)',
    )
  })
})
