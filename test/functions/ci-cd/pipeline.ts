import { actions } from '../../../functions/ci-cd/actions.ts'

export const pipelineActions = { start: actions['trigger-build'], stop: actions.cancel }
