import { actions } from '../../../functions/remediation/actions.ts'

export const runbookActions = { start: actions['run-runbook'], stop: actions['stop-runbook'] }
export const rollbackActions = { start: actions.rollback, stop: actions['stop-runbook'] }
