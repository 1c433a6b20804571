import { describe, expect, it } from '@jest/globals'
import { categories } from '../../functions/index.ts'
import { actionNames } from '../../shared/providers/category.ts'
import { unknownAction } from '../../shared/unknown-action.ts'

const suggestion = (category: string, action: string): string | undefined => {
  const found = categories.find(({ name }) => name === category)
  if (!found) throw new Error(`no category ${category}`)
  return /Did you mean "([^"]+)"\? Actions: /.exec(unknownAction(action, actionNames(found)))?.[1]
}

describe('An unknown action', () => {
  it.each([
    ['load-testing', 'trigger-test', 'start-test'],
    ['load-testing', 'run-test', 'start-test'],
    ['load-testing', 'cancel_test', 'stop-test'],
    ['load-testing', 'tests', 'start-test'],
    ['chaos-testing', 'launch-experiment', 'start-test'],
    ['ci-cd', 'start-deployment', 'trigger-deployment'],
    ['ci-cd', 'run-build', 'trigger-build'],
    ['ci-cd', 'deploy', 'trigger-deployment'],
    ['ci-cd', 'stop-build', 'cancel-run'],
    ['feature-flags', 'toggle-flag', 'set-flag'],
    ['feature-flags', 'Enable-Flags', 'set-flags'],
    ['incident-management', 'create-ticket', 'open-ticket'],
    ['incident-management', 'resolve-incident', 'close-ticket'],
    ['issue-ticketing', 'create-ticket', 'open-issue'],
    ['issue-ticketing', 'open-isue', 'open-issue'],
    ['notification', 'send-message', 'push-update'],
    ['notification', 'request-approval', 'ask-approval'],
    ['optimization', 'begin-model', 'start-model'],
    ['remediation', 'set-flag', 'toggle-flag'],
    ['remediation', 'trigger-runbook', 'run-runbook'],
    ['slo', 'run-evaluation', 'request-evaluation'],
  ])('of %s, %s, leads to %s', (category, action, meant) => {
    expect(suggestion(category, action)).toBe(meant)
  })

  it.each([
    ['load-testing', 'update-test'],
    ['ci-cd', 'constructor'],
    ['remediation', 'undo'],
  ])('of %s, %s, leads to no action with another meaning', (category, action) => {
    expect(suggestion(category, action)).toBeUndefined()
  })
})
