import type { JobAction } from '../action.ts'
import type { EvaluationJob } from './evaluate.ts'
import type { EvaluationProvider } from './provider.ts'
import {
  completeRequest,
  type EvaluationRequest,
  type ParsedInput,
  parseRequestInput,
  requestInput,
} from './request.ts'

/**
 * Declares the action that evaluates service level objectives. The evaluation is loaded when used: a webhook does not need it.
 *
 * @example 'request-evaluation': requestEvaluation({ summary: 'Evaluates objectives' })
 */
export function requestEvaluation({
  summary,
  deadline,
}: {
  summary: string
  /** Seconds. */
  deadline: number
}): JobAction<EvaluationProvider, EvaluationRequest, ParsedInput> {
  return {
    type: 'job',
    kind: 'evaluation',
    effect: 'reads',
    summary,
    input: requestInput,
    outputs: [
      'result',
      'score',
      'scoreText',
      'timeStart',
      'timeEnd',
      'indicatorResults',
      'comparedEvents',
      'errorBudget',
      'url',
      // Keptn's own evaluation returns these, too.
      'sloFileContent',
      'gitCommit',
      'responseTime',
    ],
    deadline,
    prepare: (input, { connection }) => parseRequestInput(input, connection),
    complete: completeRequest,
    async run(provider, client, request) {
      const { startEvaluation } = await import('./evaluate.ts')
      return startEvaluation(provider, client, request)
    },
    job: {
      silent: 'waits',
      async getStatus(provider, client, request, job) {
        const { getEvaluationStatus } = await import('./evaluate.ts')
        return getEvaluationStatus(provider, client, request, job as EvaluationJob)
      },
      stop: async () => false,
      onDeadline: () => 'leave',
    },
  }
}
