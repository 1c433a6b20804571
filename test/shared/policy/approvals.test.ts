import { describe, expect, test } from '@jest/globals'
import type { PolicyCall, PolicyCaller } from '../../../shared/policy/call.ts'
import { evaluateCaller, evaluatePolicy } from '../../../shared/policy/evaluate.ts'
import { compilePolicy } from '../../../shared/policy/file.ts'

const policy = compilePolicy({
  timeZone: 'UTC',
  approval: { connection: 'ops', channel: '#ops', waitAtMost: 'PT2H', by: ['group:sre'] },
  groups: { sre: ['jane@example.com', 'U0BEN'] },
  rules: [
    { name: 'two', when: { services: ['two'] }, approve: { count: 2, by: ['group:sre', 'U0LIZ'] }, waitAtMost: 'P1D' },
    {
      name: 'other',
      when: { services: ['other'] },
      approve: { notRequester: true, connection: 'chat', changed: 'run', complete: true },
    },
    {
      name: 'glass',
      when: { services: ['glass'] },
      freeze: [{ from: '2026-12-20', to: '2027-01-04' }],
      otherwise: 'approve',
      approve: { count: 2, by: ['jane@example.com', 'U0BEN'] },
    },
  ],
})

const evaluate = (
  service: string,
  caller: Partial<PolicyCaller> = {},
  more: Partial<PolicyCall> = {},
  rules = policy,
) => {
  const call: PolicyCall = {
    category: 'ci-cd',
    action: 'trigger-deployment',
    isFree: false,
    isStop: false,
    effect: 'irreversible',
    connection: 'prod',
    caller: { name: 'pipeline', isAgent: false, writes: 'allow', owners: [], ...caller },
    project: undefined,
    stage: undefined,
    service,
    input: {},
    ...more,
  }
  return evaluateCaller(evaluatePolicy(rules, call, Date.parse('2026-12-24T12:00Z')), call, rules.approval)
}

describe('An approval', () => {
  test('has the people of its groups, and the connection and the channel of the file', () => {
    expect(evaluate('two')).toMatchObject({
      waitAtMost: 86_400,
      requirements: [
        {
          type: 'approval',
          rule: 'two',
          ask: { connection: 'ops', channel: '#ops', count: 2, by: ['jane@example.com', 'U0BEN', 'U0LIZ'] },
        },
      ],
    })
  })

  test('excludes the owners of the caller, and is refused if they are not known', () => {
    expect(evaluate('other', { owners: ['jane@example.com'] })).toMatchObject({
      waitAtMost: 7_200,
      requirements: [{ ask: { connection: 'chat', excluded: ['jane@example.com'], mayChange: true, complete: true } }],
    })
    // Another connection has other channels.
    const [requirement] = evaluate('other', { owners: ['jane@example.com'] }).requirements
    expect(requirement).not.toHaveProperty('ask.channel', expect.anything())
    expect(evaluate('other')).toMatchObject({ refusal: { rule: 'other', type: 'requester' }, requirements: [] })
  })

  test('of an agent waits for as long as a rule allows, if that is longer', () => {
    const wait = { name: 'freeze', when: { services: ['wait'] }, freeze: [{ from: '2026-12-20', to: '2027-01-04' }] }
    const longer = compilePolicy({
      timeZone: 'UTC',
      approval: { connection: 'ops', waitAtMost: 'PT2H' },
      rules: [{ ...wait, otherwise: 'wait', waitAtMost: 'P1D' }],
    })
    const shorter = compilePolicy({
      timeZone: 'UTC',
      approval: { connection: 'ops', waitAtMost: 'P1D' },
      rules: [{ ...wait, otherwise: 'wait', waitAtMost: 'PT2H' }],
    })
    const agent = { isAgent: true, writes: 'approve' as const }
    for (const compiled of [longer, shorter])
      expect(evaluate('wait', agent, {}, compiled)).toMatchObject({
        waitAtMost: 86_400,
        requirements: [{ type: 'approval' }, { type: 'window' }],
      })
  })

  test('can open a window that is closed', () => {
    expect(evaluate('glass')).toMatchObject({
      refusal: undefined,
      requirements: [{ type: 'window', rule: 'glass', ask: { count: 2, by: ['jane@example.com', 'U0BEN'] } }],
    })
  })
})

describe('The entry of a caller', () => {
  test('requires an approval of its writes, with which an approval of a rule is enough', () => {
    const [requirement, ...others] = evaluate('any', { writes: 'approve' }).requirements
    expect([requirement, others]).toMatchObject([{ type: 'approval', ask: { connection: 'ops', count: 1 } }, []])
    expect(requirement?.rule).toBeUndefined()
    expect(evaluate('two', { writes: 'approve' }).requirements).toHaveLength(1)
    expect(evaluate('glass', { writes: 'approve' }).requirements.map(({ type }) => type)).toEqual([
      'approval',
      'window',
    ])
  })

  test('refuses writes, but not what stops something', () => {
    expect(evaluate('any', { writes: 'deny' })).toMatchObject({ refusal: { rule: undefined, type: 'denied' } })
    expect(evaluate('any', { writes: 'deny' }, { isFree: true, isStop: true }).refusal).toBeUndefined()
  })

  test('restricts questions to people like other writes', () => {
    const isQuestion = { isFree: true, isStop: false }
    expect(evaluate('any', { writes: 'deny' }, isQuestion).refusal).toMatchObject({ type: 'denied' })
    expect(evaluate('any', { writes: 'approve' }, isQuestion).requirements).toMatchObject([{ type: 'approval' }])
  })

  test('refuses them if nothing says how people are asked', () => {
    const call = { caller: { name: 'agent', isAgent: true, writes: 'approve', owners: [] }, isStop: false } as never
    const nothing = {
      matched: [],
      refusal: undefined,
      requirements: [],
      startRules: [],
      startLimits: [],
      waitAtMost: 0,
    }
    expect(evaluateCaller(nothing, call, undefined).refusal).toEqual({
      rule: undefined,
      type: 'unasked',
    })
  })
})
