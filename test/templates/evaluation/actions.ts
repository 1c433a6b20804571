import { requestEvaluation } from '../../../shared/providers/evaluation/provider.ts'

export const actions = {
  'request-evaluation': requestEvaluation({
    summary: 'Evaluates what was measured, and answers result and score',
    deadline: 3_600,
  }),
}
