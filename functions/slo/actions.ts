import { requestEvaluation } from '../../shared/providers/evaluation/action.ts'
import { pushReport } from '../../shared/providers/report.ts'

export const actions = {
  'request-evaluation': requestEvaluation({
    summary: 'Evaluates service level objectives and returns the result, the score and the measured values',
    deadline: 3_600,
  }),
  'push-report': pushReport({
    summary: 'Reports an evaluation to a platform as an event, a status, a check, metrics, a comment or a message',
    compose: async (occasion) => (await import('../notification/templates/index.ts')).messageOf(occasion, 'evaluation'),
  }),
}
