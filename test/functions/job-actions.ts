import { actions as chaosTesting } from '../../functions/chaos-testing/actions.ts'
import { actions as loadTesting } from '../../functions/load-testing/actions.ts'
import { actions as optimization } from '../../functions/optimization/actions.ts'
import { actions as remediation } from '../../functions/remediation/actions.ts'

export const experimentActions = { start: chaosTesting['start-test'], stop: chaosTesting['stop-test'] }
export const loadTestActions = { start: loadTesting['start-test'], stop: loadTesting['stop-test'] }
export const modelActions = { start: optimization['start-model'], stop: optimization['stop-model'] }
export const runbookActions = { start: remediation['run-runbook'], stop: remediation['stop-runbook'] }
export const rollbackActions = { start: remediation.rollback, stop: remediation['stop-runbook'] }
