import { requestEvaluation } from '../../../shared/shapes/evaluation.ts'

export const actions = {
  'request-evaluation': requestEvaluation({
    summary: 'Evaluates what was measured, and answers result and score',
    deadline: 3_600,
  }),
}
