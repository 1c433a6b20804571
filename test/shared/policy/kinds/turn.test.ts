import { describe, expect, test } from '@jest/globals'
import type { PolicyCall } from '../../../../shared/policy/call.ts'
import { evaluatePolicy } from '../../../../shared/policy/evaluate.ts'
import { compilePolicy } from '../../../../shared/policy/file.ts'

const call = (more: Partial<PolicyCall> = {}): PolicyCall => ({
  category: 'ci-cd',
  action: 'trigger-deployment',
  isFree: false,
  isStop: false,
  effect: 'irreversible',
  connection: 'prod',
  caller: { name: 'release', isAgent: false, writes: 'allow', owners: [] },
  project: 'shop',
  stage: 'production',
  service: 'checkout',
  input: {},
  ...more,
})

const rule = (oneAtATime: object, name = 'one') => ({ name, oneAtATime })
const evaluate = (rules: object[], more?: Partial<PolicyCall>) =>
  evaluatePolicy(compilePolicy({ rules }), call(more), 0)

/** Returns the turns of a call. */
function turnsOf(rules: object[], more?: Partial<PolicyCall>) {
  return evaluate(rules, more).requirements.flatMap((requirement) => (requirement.type === 'turn' ? [requirement] : []))
}
const keyOf = (oneAtATime: object, more?: Partial<PolicyCall>) => turnsOf([rule(oneAtATime)], more)[0]?.key

describe('A rule with oneAtATime', () => {
  test('requires a turn for its target, and lets 20 tasks wait for four hours', () => {
    expect(evaluate([rule({ per: '{connection}/{service}' })])).toMatchObject({
      waitAtMost: 14_400,
      requirements: [
        {
          type: 'turn',
          rule: 'one',
          target: 'ci-cd/prod/checkout',
          queue: 20,
          key: expect.stringMatching(/^[0-9a-f]{40}$/),
        },
      ],
    })
  })

  test('gives calls one key only if every part of their target is equal', () => {
    const per = '{connection}/{service}'
    const key = keyOf({ per })
    expect(keyOf({ per }, { stage: 'staging', project: 'another' })).toBe(key)
    expect(keyOf({ per }, { category: 'remediation' })).not.toBe(key)
    expect(turnsOf([rule({ per }, 'another')])[0]?.key).not.toBe(key)
    // The texts of both targets are ci-cd/a/b/c.
    expect(keyOf({ per }, { connection: 'a/b', service: 'c' })).not.toBe(
      keyOf({ per }, { connection: 'a', service: 'b/c' }),
    )
  })

  test('gives names of a service that people cannot distinguish one key, and shows them without invisible characters', () => {
    const per = '{connection}/{service}'
    const [turn] = turnsOf([rule({ per })], { service: ' Check\u200Bout\u00AD ' })
    expect(turn).toMatchObject({ key: keyOf({ per }), target: 'ci-cd/prod/Checkout' })
    expect(keyOf({ per }, { connection: 'Prod' })).not.toBe(keyOf({ per }))
  })

  test('keeps the key of a name in small letters', () => {
    expect(keyOf({ per: '{service}' })).toBe('9b96697352a4525972bdec0f88e8b5a51b3f31ef')
  })

  test('gives the connections of several categories one key if they are a group', () => {
    const target = { per: '{connection}', group: 'the cluster' }
    expect(turnsOf([rule(target)])[0]?.target).toBe('the cluster')
    expect(keyOf(target)).toBe(keyOf(target, { category: 'remediation', connection: 'cluster' }))
  })

  test('refuses a call that lacks a part of its target', () => {
    const { refusal, requirements } = evaluate([rule({ per: '{stage}/{service}' })], {
      service: '\u200B',
      stage: '',
    })
    expect([refusal, requirements]).toEqual([{ rule: 'one', type: 'incomplete', reason: 'stage and service' }, []])
  })

  test('lets calls take several turns in the same order, and windows before them', () => {
    const rules = [
      rule({ per: '{stage}' }, 'a'),
      rule({ per: '{service}' }, 'b'),
      { name: 'by day', only: {}, otherwise: 'wait', timeZone: 'UTC' },
    ]
    const order = evaluate(rules).requirements.map((requirement) => requirement.rule)
    expect(order[0]).toBe('by day')
    expect(evaluate(rules.toReversed()).requirements.map((requirement) => requirement.rule)).toEqual(order)
    const keys = turnsOf(rules).map(({ key }) => key)
    expect(keys).toEqual(keys.toSorted())
  })

  test.each([
    [0, 0],
    [1, 1],
    [3, 2],
    [20, 10],
  ])('gives one caller half of a queue of %i, rounded up', (queue, perCaller) => {
    expect(turnsOf([rule({ per: '{service}', queue })])).toMatchObject([{ queue, perCaller }])
  })

  test('lets actions run as long as the shortest turn of the rules allows', () => {
    const rules = [
      rule({ per: '{service}', turnAtMost: 'PT1H' }, 'a'),
      rule({ per: '{stage}', turnAtMost: 'PT30M' }, 'b'),
    ]
    expect(evaluate(rules).runAtMost).toBe(1_800)
    expect(evaluate([rule({ per: '{service}' })]).runAtMost).toBeUndefined()
  })

  test.each([
    [{ per: '{connexion}' }, 'must be a text with the parts {connection}, {project}, {stage}, {service}, such as'],
    [{ per: '{service' }, 'rules.0.oneAtATime.per must be a text with the parts'],
    [{ per: '' }, 'rules.0.oneAtATime.per'],
    [{ per: '{service}', queue: -1 }, 'rules.0.oneAtATime.queue'],
    [{ per: '{service}', turnAtMost: '1 hour' }, 'rules.0.oneAtATime.turnAtMost must be a duration'],
    [{}, 'rules.0.oneAtATime.per'],
  ])('with %j is refused: %s', (oneAtATime, message) => {
    expect(() => compilePolicy({ rules: [rule(oneAtATime)] })).toThrow(message)
  })
})
