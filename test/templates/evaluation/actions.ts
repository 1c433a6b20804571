import { requestEvaluation } from '../../../shared/providers/evaluation/action.ts'

export const actions = {
  'request-evaluation': requestEvaluation({
    summary: 'Evaluates what was measured, and returns the result and the score',
    deadline: 3_600,
  }),
}
