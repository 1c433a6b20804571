import { describe, expect, test } from '@jest/globals'
import { catalogueOf } from '../../../infra/build/tool-schemas.ts'
import { categories } from '../../../infra/project/categories.ts'
import { type Category, currentActions } from '../../../shared/providers/category.ts'

const all: readonly Category[] = categories
const effects = all.flatMap((category) =>
  currentActions(category).map(([name, { effect }]) => [`${category.name}_${name}`, effect] as const),
)
const named = (wanted: string) => effects.filter(([, effect]) => effect === wanted).map(([name]) => name)

describe('The effects of the shipped actions', () => {
  test('are those that people can undo, or not', () => {
    expect(named('reads')).toEqual(['slo_request-evaluation'])
    expect(named('reversible').toSorted()).toEqual([
      'feature-flags_set-flag',
      'feature-flags_set-flags',
      'incident-management_close-ticket',
      'incident-management_open-ticket',
      'incident-management_update-ticket',
      'issue-ticketing_close-issue',
      'issue-ticketing_open-issue',
      'issue-ticketing_update-issue',
      'notification_ask-approval',
      'notification_push-update',
      'remediation_toggle-flag',
      'slo_push-report',
    ])
  })

  test('are the hints of the tools for agents', () => {
    const hints = catalogueOf(all).tools.map(({ tool: { name, annotations } }) => [name, annotations])
    const expected = effects.map(([name, effect]) => [
      name,
      expect.objectContaining({ readOnlyHint: effect === 'reads', destructiveHint: effect === 'irreversible' }),
    ])
    expect(Object.fromEntries(hints)).toEqual(Object.fromEntries(expected))
  })
})
