import { describe, expect, test } from '@jest/globals'
import * as z from 'zod/mini'
import { actions } from '../../../functions/remediation/actions.ts'
import { keptnActions } from '../../../functions/remediation/keptn-actions.ts'
import { parseEvent } from '../../../shared/orchestrators/event/event.ts'
import { expectFailure } from '../helpers.ts'

const remedies = {
  'toggle-feature': { action: 'toggle-flag', connection: 'flags', input: { environment: 'production' } },
  'promotion-off': { action: 'toggle-flag', input: { flag: 'promotion', state: 'off' }, value: 'ignore' },
  'restart-service': { action: 'run-runbook', input: { target: 'restart', parameters: { grace: 5, zone: 'a' } } },
  scaling: { action: 'run-job', input: { target: 'scale.yml' }, value: 'parameters.replicas' },
  'roll-back': { action: 'rollback', input: { target: 'checkout' }, value: 'ref' },
}
const choose = (action: unknown, value?: unknown, held: unknown = remedies) => {
  const connection = z.object(keptnActions.connection).parse({ actions: held })
  const event = parseEvent({ type: 'sh.keptn.event.action.triggered', data: { action: { action, value, name: 'x' } } })
  return keptnActions.resolve(event, connection, actions)
}

describe('run-action', () => {
  const promotionOff = { environment: 'production', flag: 'promotion', state: 'off' }
  const restarting = (parameters: object) => ({ target: 'restart', parameters })
  test.each<[what: string, action: string, value: unknown, input: object]>([
    ['the flag of its value', 'toggle-feature', { promotion: 'off' }, promotionOff],
    ['the same as JSON in a form', 'toggle-feature', '{"promotion": "off"}', promotionOff],
    ['the same as Go prints it', 'toggle-feature', 'map[promotion:off]', promotionOff],
    ['several as Go prints them', 'restart-service', 'map[grace:9 zone:b]', restarting({ grace: '9', zone: 'b' })],
    ['an empty one as Go prints it', 'restart-service', 'map[note: zone:b]', restarting({ note: '', zone: 'b' })],
    ['the state of its flag', 'toggle-feature', 'off', { environment: 'production', state: 'off' }],
    ['a value that is of no interest', 'promotion-off', { anything: 1 }, { flag: 'promotion', state: 'off' }],
    ['no value', 'promotion-off', undefined, { flag: 'promotion', state: 'off' }],
    ['an empty value', 'restart-service', '', restarting({ grace: 5, zone: 'a' })],
    ['parameters over its own', 'restart-service', { grace: 9 }, restarting({ grace: 9, zone: 'a' })],
    ['a value in its place', 'scaling', '3', { target: 'scale.yml', parameters: { replicas: '3' } }],
    ['a value at the top', 'roll-back', 'abc123', { target: 'checkout', ref: 'abc123' }],
  ])('sends %s in the input', (_what, action, value, input) => {
    expect(choose(action, value)).toMatchObject({ name: action, input })
  })

  test('returns the mapped action and its connection', () => {
    expect(choose('toggle-feature', 'off')).toMatchObject({ action: 'toggle-flag', connection: 'flags' })
    expect(choose('restart-service')).toMatchObject({ action: 'run-runbook', connection: undefined })
  })

  test('does not change the connection', () => {
    const held = structuredClone(remedies)
    choose('restart-service', { grace: 9 }, held)
    choose('scaling', 3, held)
    expect(held).toEqual(remedies)
  })

  test.each([
    ['one that is nearly known', 'togle-feature', undefined, 'Did you mean "toggle-feature"?'],
    ['one that is not known', 'x', undefined, 'Actions: toggle-feature, promotion-off'],
    ['one of every object', 'constructor', undefined, 'Actions:'],
    ['two flags in one value', 'toggle-feature', { a: 'on', b: 'off' }, 'must be one flag with its state'],
    ['no flag in an object', 'toggle-feature', {}, 'must be one flag with its state'],
    ['a nested object as Go prints it', 'restart-service', 'map[a:map[b:c]]', 'Send its parts separately'],
    ['a text with blanks as Go prints it', 'restart-service', 'map[a:b c]', 'Send its parts separately in the payload'],
    ['a value without a mapping', 'restart-service', 'now', 'Add value to the mapping'],
  ])('refuses %s with 422', async (_what, action, value, message) => {
    const chosen = (async () => choose(action, value))()
    await expectFailure(chosen, { kind: 'refused', status: 422 }, message)
  })

  test('refuses another flag than that of the mapping', () => {
    const held = { x: { action: 'toggle-flag', input: { flag: 'promotion' } } }
    expect(() => choose('x', { checkout: 'off' }, held)).toThrow('has the flag checkout, but the mapping')
    expect(choose('x', { promotion: 'off' }, held)).toMatchObject({ input: { flag: 'promotion', state: 'off' } })
  })

  test('refuses every action if the connection has no mapping', () => {
    const event = parseEvent({ type: 'sh.keptn.event.action.triggered', data: { action: { action: 'x' } } })
    expect(() => keptnActions.resolve(event, {}, actions)).toThrow('There are no actions.')
  })

  test.each([[undefined], [''], [7], [{}]])('ignores the action %p', (action) => {
    expect(choose(action)).toBeUndefined()
  })
})

test.each([
  ['an action that there is not', { x: { action: 'reboot' } }],
  ['an action that chooses itself', { x: { action: 'run-action' } }],
  ['a field that there is not', { x: { action: 'run-job', target: 'y' } }],
])('a connection is refused with %s', (_what, held) => {
  expect(z.object(keptnActions.connection).safeParse({ actions: held }).success).toBe(false)
})
