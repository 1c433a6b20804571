import { describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import type { PolicyCall, PolicyCaller } from '../../../shared/policy/call.ts'
import { evaluatePolicy } from '../../../shared/policy/evaluate.ts'
import { compilePolicy } from '../../../shared/policy/file.ts'
import { matchingRules } from '../../../shared/policy/match.ts'

const policy = compilePolicy(
  parse(`
timeZone: Europe/Vienna
rules:
  - name: large percentages
    when: { actions: [feature-flags/*], input: "percentage > \`10\`" }
    deny: Ask the owners of the flag
  - name: production by day
    when: { actions: [ci-cd/trigger-*], connections: [prod-*, ci-cd/default], stages: [production] }
    only: { days: mon-fri, from: "08:00", to: "17:00" }
    otherwise: wait
  - name: year end
    when: { actions: [ci-cd/*] }
    freeze: [{ from: 2026-12-20, to: 2027-01-04, reason: Year-end closing }]
  - name: no scaling
    when: { actions: [scaling/*], effects: [reads, irreversible] }
    deny: Not now
  - name: agents run no experiments
    when: { actions: [chaos-testing/*], agents: true, callers: ["*-agent"] }
    deny: Agents do not run chaos experiments
`),
)

const caller = (more: Partial<PolicyCaller>): PolicyCaller => ({
  name: 'pipeline',
  isAgent: false,
  writes: 'allow',
  owners: [],
  ...more,
})
const call = (more: Partial<PolicyCall>): PolicyCall => ({
  category: 'ci-cd',
  action: 'trigger-deployment',
  isFree: false,
  isStop: false,
  effect: 'irreversible',
  connection: 'prod-eu',
  caller: caller({ name: 'release-agent', isAgent: true }),
  project: 'shop',
  stage: 'production',
  service: 'checkout',
  input: {},
  ...more,
})
const namesFor = (more: Partial<PolicyCall>) => matchingRules(policy.rules, call(more)).map(({ name }) => name)

describe('A rule matches', () => {
  const flag = { category: 'feature-flags', action: 'set-flag' }
  test.each([
    ['a pattern of the action and of the connection', {}, ['production by day', 'year end']],
    ['a connection with its category', { connection: 'default' }, ['production by day', 'year end']],
    ['not another connection', { connection: 'test' }, ['year end']],
    ['a stage in other letters', { stage: 'PRODUCTION' }, ['production by day', 'year end']],
    ['a stage between spaces', { stage: ' production\n' }, ['production by day', 'year end']],
    [
      'a stage with invisible characters',
      { stage: '\u202Eproduc\u200Bt\u00ADion\u{E0041}' },
      ['production by day', 'year end'],
    ],
    ['a stage in wide letters', { stage: '\uFF50roduction' }, ['production by day', 'year end']],
    ['a stage of invisible characters only', { stage: '\u200B ' }, ['production by day', 'year end']],
    ['not another stage', { stage: 'staging' }, ['year end']],
    ['a call that does not name its stage', { stage: undefined }, ['production by day', 'year end']],
    ['not another action', { action: 'rollback' }, ['year end']],
    ['an agent', { category: 'chaos-testing' }, ['agents run no experiments']],
    ['not a person', { category: 'chaos-testing', caller: caller({ name: 'a-agent' }) }, []],
    ['not another caller', { category: 'chaos-testing', caller: caller({ name: 'agent-x', isAgent: true }) }, []],
    ['not an action that stops something, unless it is named', { action: 'stop-deployment', isFree: true }, []],
    ['a larger percentage', { ...flag, input: { percentage: 11 } }, ['large percentages']],
    ['not a smaller percentage', { ...flag, input: { percentage: 10 } }, []],
    ['a missing percentage', { ...flag, input: {} }, ['large percentages']],
    ['a percentage that is a text', { ...flag, input: { percentage: '5' } }, ['large percentages']],
    ['an effect', { category: 'scaling' }, ['no scaling']],
    ['not another effect', { category: 'scaling', effect: 'reversible' }, []],
    ['an action whose effect is not known', { category: 'scaling', effect: undefined }, ['no scaling']],
    ['a name of the prototype', { ...flag, input: { __proto__: { percentage: 1 } } }, ['large percentages']],
  ] satisfies [string, Partial<PolicyCall>, string[]][])('%s', (_, more, expected) => {
    expect(namesFor(more)).toEqual(expected)
  })
})

describe('A policy', () => {
  const evaluate = (now: string, more: Partial<PolicyCall> = {}) => evaluatePolicy(policy, call(more), Date.parse(now))

  test('lets a task wait for a window, whether it is open now or not', () => {
    for (const now of ['2026-12-01T09:00:00Z', '2026-12-01T20:00:00Z'])
      expect(evaluate(now)).toMatchObject({ requirements: [{ type: 'window', rule: 'production by day' }] })
    expect(evaluate('2026-12-01T20:00:00Z').refusal).toBeUndefined()
  })

  test('refuses in a freeze, and says when it ends', () => {
    expect(evaluate('2026-12-24T09:00:00Z')).toMatchObject({
      refusal: {
        rule: 'year end',
        type: 'closed',
        reason: 'Year-end closing',
        opensAt: Date.parse('2027-01-04T23:00:00Z'),
      },
      requirements: [],
    })
  })

  test('denies, even if other rules let the task wait', () => {
    const { refusal } = evaluate('2026-12-24T09:00:00Z', { category: 'chaos-testing' })
    expect(refusal).toMatchObject({ type: 'denied', reason: 'Agents do not run chaos experiments' })
  })

  test('without rules restricts nothing', () => {
    expect(evaluatePolicy(compilePolicy(undefined), call({}), 0)).toEqual({
      refusal: undefined,
      requirements: [],
      startRules: [],
      startLimits: [],
      matched: [],
      waitAtMost: 0,
    })
  })
})

describe('policy.yaml', () => {
  const rule = { name: 'a', deny: 'No' }
  const asks = { approval: { connection: 'ops' } }
  test.each([
    [
      { rules: [{ name: 'a' }] },
      'rules.0 must have exactly one of deny, only, freeze, approve, oneAtATime, atMost, but has none',
    ],
    [{ rules: [{ ...rule, freeze: [{ from: '2026-01-01', to: '2026-01-02' }] }] }, 'but has deny, freeze'],
    [{ rules: [rule, rule] }, 'rules.1.name is the name of another rule'],
    [{ rules: [{ name: 'a', only: {} }] }, 'rules.0.timeZone is required'],
    [{ rules: [{ name: 'a', only: { from: 800 }, timeZone: 'UTC' }] }, 'rules.0.only.from must be'],
    [{ rules: [{ name: 'a', only: { days: 'mo-fr' }, timeZone: 'UTC' }] }, 'rules.0.only.days'],
    [{ rules: [{ name: 'a', only: {}, timeZone: 'Vienna' }] }, 'must be a time zone of the IANA database'],
    [
      { rules: [{ name: 'a', freeze: [{ from: '2026-02-30', to: '2026-03-01' }] }], timeZone: 'UTC' },
      'of the calendar',
    ],
    [{ rules: [{ name: 'a', freeze: [{ from: '2026-03-02', to: '2026-03-01' }] }], timeZone: 'UTC' }, 'after from'],
    [
      { rules: [{ name: 'a', freeze: [{ from: '2026-03-02T18:00', to: '2026-03-02T18:00' }] }], timeZone: 'UTC' },
      'rules.0.freeze.0.to must be after from, 2026-03-02T18:00',
    ],
    [{ rules: [{ name: 'a', approve: {} }] }, 'rules.0.approve.connection is required, here or as approval.connection'],
    [
      { ...asks, rules: [{ name: 'a', approve: { by: ['group:sre'] } }] },
      'names group:sre, which groups does not have',
    ],
    [{ ...asks, rules: [{ name: 'a', approve: { count: 2, by: ['jane'] } }] }, 'approve.count is 2, but by lists 1'],
    [{ ...asks, rules: [{ name: 'a', approve: {}, deny: 'No' }] }, 'but has deny, approve'],
    [{ approval: { connection: 'ops', by: ['group:sre'] } }, 'approval.by names group:sre'],
    [{ rules: [{ ...rule, otherwise: 'wait' }] }, 'rules.0.otherwise is only for rules with only, freeze or atMost'],
    [{ rules: [{ ...rule, when: { input: 'a >' } }] }, 'rules.0.when.input must be a JMESPath expression'],
    [{ rules: [{ ...rule, when: { action: ['ci-cd/*'] } }] }, 'action is not a known field. Did you mean "actions"?'],
    [{ rules: [{ ...rule, when: { actions: [] } }] }, 'rules.0.when.actions'],
    [{ rules: [{ ...rule, when: { effects: ['writes'] } }] }, 'rules.0.when.effects.0'],
    [{ waitAtMost: 'four hours' }, 'waitAtMost must be a duration such as PT4H'],
    ['rules', 'policy.yaml'],
  ])('%j is refused: %s', (file, message) => {
    expect(() => compilePolicy(file)).toThrow(message)
  })

  test('accepts a freeze from the evening to the end of the day', () => {
    const freeze = [{ from: '2026-03-02T18:00', to: '2026-03-02' }]
    expect(compilePolicy({ timeZone: 'UTC', rules: [{ name: 'a', freeze }] }).rules).toHaveLength(1)
  })

  test('accepts days as a range over the weekend, a day and a list', () => {
    const daysOf = (days: unknown) => {
      const [first] = compilePolicy({ timeZone: 'UTC', rules: [{ name: 'a', only: { days } }] }).rules
      return first?.effect.type === 'window' ? first.effect.window.opening?.days.join(' ') : ''
    }
    expect(['fri-mon', 'tue', ['mon', 'wed-thu']].map(daysOf)).toEqual(['mon fri sat sun', 'tue', 'mon wed thu'])
  })
})
