import { expect, test } from '@jest/globals'
import { vendorStates } from './vendor-states.ts'

const list = { source: 'a vendor', states: ['SUCCEEDED', 'FAILED', 'FAULT', 'TIMED_OUT', 'IN_PROGRESS', 'STOPPED'] }

test('the states of a vendor: plain words have their meaning, and the test decides the others', () => {
  expect(vendorStates(list, { fail: ['TIMED_OUT'], errored: ['FAULT'] })).toEqual({
    running: ['IN_PROGRESS'],
    pass: ['SUCCEEDED'],
    fail: ['TIMED_OUT', 'FAILED'],
    errored: ['FAULT'],
    aborted: ['STOPPED'],
  })
})

test.each([
  ['a state without a decision', { errored: ['FAULT'] }, {}, 'TIMED_OUT needs a decision.'],
  [
    'a decision that repeats the plain meaning',
    { fail: ['TIMED_OUT', 'FAILED'], errored: ['FAULT'] },
    {},
    'FAILED is fail without a decision.',
  ],
  [
    'an exception of a state that the vendor does not list',
    { fail: ['TIMED_OUT'], errored: ['FAULT'] },
    { ALL: 'a filter' },
    'ALL is decided, or is not in the list.',
  ],
])('the states of a vendor: %s is refused', (_name, decisions, others, message) => {
  expect(() => vendorStates(list, decisions, others)).toThrow(message)
})
