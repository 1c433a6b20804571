import { expect, it } from '@jest/globals'
import { entitiesIn } from '../../../../infra/sandbox/platforms/dynatrace/input.ts'

it.each([
  // The selector of the quick start's simulate-dynatrace-problem.sh.
  ['type(SERVICE),tag(keptn_project:incident-demo)', ['checkout', 'shop']],
  ['type(SERVICE),tag("keptn_project:demo"),tag(keptn_service:shop),tag(keptn_stage:production)', ['shop']],
  ['type(SERVICE),tag(team:blue)', []],
  ['type(SERVICE),entityName(shop)', ['shop']],
  ['type(HOST),tag(keptn_project:demo)', []],
  ['type(SERVICE),tag(a b)', 'is not readable from here on: tag(a b)'],
])('The selector %s of Dynatrace selects %j', (selector, expected) => {
  expect(entitiesIn(selector, ['checkout', 'shop'])).toEqual(expected)
})
