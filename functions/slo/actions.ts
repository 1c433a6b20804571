import { requestEvaluation } from '../../shared/providers/evaluation/provider.ts'
import { pushReport } from '../../shared/providers/report.ts'

export const actions = {
  'request-evaluation': requestEvaluation({
    summary: 'Evaluates service level objectives, and answers result, score and what was measured',
    deadline: 3_600,
  }),
  'push-report': pushReport({
    summary: 'Tells of an evaluation elsewhere: as an event, a status, metrics, a comment or a message',
    compose: async (occasion) => (await import('../notification/templates/index.ts')).messageOf(occasion, 'evaluation'),
  }),
}
