import { expect, test } from '@jest/globals'
import { canceledState, cancelerIn } from '../../../../shared/core/task/cancellation.ts'

const operator = 'arn:aws:iam::123456789012:user/jane'

test.each([
  ['of an operator', canceledState({ by: 'operator jane', operator }), { by: 'operator jane', operator }],
  ['that an earlier version has saved, without the operator', { canceledBy: 'keptn' }, { by: 'keptn' }],
  ['of a task that was not canceled', {}, undefined],
])('The state %s says who canceled its task', (_what, state, expected) => {
  expect(cancelerIn(JSON.parse(JSON.stringify(state)))).toEqual(expected)
})
