import {
  CreateHyperParameterTuningJobCommand,
  type CreateHyperParameterTuningJobRequest,
  DescribeHyperParameterTuningJobCommand,
  type DescribeHyperParameterTuningJobResponse,
  type HyperParameterTrainingJobDefinition,
  type HyperParameterTrainingJobSummary,
  SageMakerClient,
  StopHyperParameterTuningJobCommand,
} from '@aws-sdk/client-sagemaker'
import type { Aws } from '../../../shared/aws/aws.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { consolePageOf, createOnce, nameAfter, pick, runOf, withMetrics } from './job.ts'
import { metricsIn, reasonOf, type SageMakerKind, stateOf } from './run.ts'

const MAX_NAME = 32
/** The tuner sets this parameter in each training. AWS returns it but refuses it in a request. */
const RESERVED_PARAMETER = '_tuning_objective_metric'

/** Fields that are not copied unchanged. */
type Replaced =
  | 'HyperParameterTuningJobName'
  | 'HyperParameterTuningJobConfig'
  | 'TrainingJobDefinition'
  | 'TrainingJobDefinitions'

/** The fields that are copied from a template: see `sagemaker-training.ts`. */
const copiedFields: Readonly<
  Record<
    Exclude<keyof CreateHyperParameterTuningJobRequest & keyof DescribeHyperParameterTuningJobResponse, Replaced>,
    true
  >
> = { Autotune: true, WarmStartConfig: true }

/**
 * Starts hyperparameter tuning jobs with the definition of an earlier one.
 *
 * @see https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateHyperParameterTuningJob.html
 */
export const tuning: SageMakerKind = {
  check: describe,

  async start(client, template, { parameters }) {
    const { aws, idempotencyKey } = client
    const name = nameAfter(template, idempotencyKey, MAX_NAME)
    const source = await describe(aws, template)
    const trainingFor =
      (metrics: 'with metrics' | 'without metrics') => (definition: HyperParameterTrainingJobDefinition) => {
        const { [RESERVED_PARAMETER]: _, ...fixed } = definition.StaticHyperParameters ?? {}
        return {
          ...definition,
          AlgorithmSpecification: withMetrics(definition.AlgorithmSpecification, metrics),
          StaticHyperParameters: { ...fixed, ...toTextParameters(parameters) },
        }
      }
    await createOnce(
      client,
      () => describe(aws, name),
      (metrics) =>
        new CreateHyperParameterTuningJobCommand({
          ...pick(source, copiedFields),
          HyperParameterTuningJobName: name,
          HyperParameterTuningJobConfig: source.HyperParameterTuningJobConfig,
          TrainingJobDefinition: source.TrainingJobDefinition && trainingFor(metrics)(source.TrainingJobDefinition),
          TrainingJobDefinitions: source.TrainingJobDefinitions?.map(trainingFor(metrics)),
        }),
    )
    return runOf(aws, 'tuning', name)
  },

  async getStatus(aws, name) {
    const job = await describe(aws, name)
    const status = aws.requireField(job.HyperParameterTuningJobStatus, 'HyperParameterTuningJobStatus')
    const best = bestOf(job.BestTrainingJob)
    const { Completed: trainingsCompleted = 0, ...counted } = job.TrainingJobStatusCounters ?? {}
    const trainingsFailed = (counted.NonRetryableError ?? 0) + (counted.RetryableError ?? 0)
    const metrics = { trainingsCompleted, trainingsFailed }
    const noObjective = status === 'Completed' && !best ? 'no training reported the objective' : undefined
    return {
      state: stateOf(status, undefined, job.FailureReason),
      ...(noObjective ? { verdict: 'fail' } : {}),
      run: await runOf(aws, 'tuning', name),
      progress: stepOf(job),
      reason: reasonOf(job.FailureReason ?? noObjective),
      data: {
        best,
        // The best of all tunings of a warm start, if it compares them.
        overallBest: bestOf(job.OverallBestTrainingJob),
        ...metrics,
        trainingsStopped: counted.Stopped ?? 0,
      },
      links: best ? { [`training ${best.training}`]: await consolePageOf(aws, 'training', best.training) } : {},
      metrics: { ...metrics, ...metricsIn([job.BestTrainingJob?.FinalHyperParameterTuningJobObjectiveMetric]) },
      period: { start: job.CreationTime, end: job.HyperParameterTuningEndTime },
    }
  },

  stop: ({ aws }, name) =>
    aws.write(SageMakerClient, new StopHyperParameterTuningJobCommand({ HyperParameterTuningJobName: name })),
}

async function describe(aws: Aws, name: string): Promise<DescribeHyperParameterTuningJobResponse> {
  const command = new DescribeHyperParameterTuningJobCommand({ HyperParameterTuningJobName: name })
  const job = await aws.read(SageMakerClient, command)
  aws.requireField(job.HyperParameterTuningJobName, 'HyperParameterTuningJobName')
  return job
}

/** Returns the best configuration and its result. */
function bestOf(job: HyperParameterTrainingJobSummary | undefined) {
  if (!job?.TrainingJobName) return undefined
  const objective = job.FinalHyperParameterTuningJobObjectiveMetric
  const [[metric, value] = []] = Object.entries(metricsIn([objective]))
  return { training: job.TrainingJobName, hyperParameters: job.TunedHyperParameters ?? {}, metric, value }
}

/** Returns text such as `7 of 20 trainings ended, 2 running; best so far: validation:auc 0.93`. */
function stepOf(job: DescribeHyperParameterTuningJobResponse): string {
  const { Completed = 0, NonRetryableError = 0, Stopped = 0, InProgress = 0 } = job.TrainingJobStatusCounters ?? {}
  const max = job.HyperParameterTuningJobConfig?.ResourceLimits?.MaxNumberOfTrainingJobs
  const best = bestOf(job.BestTrainingJob)
  const ended = `${Completed + NonRetryableError + Stopped}${max ? ` of ${max}` : ''} trainings ended`
  const bestSoFar = best?.value === undefined ? '' : `; best so far: ${best.metric} ${best.value}`
  return `${ended}, ${InProgress} running${bestSoFar}`
}
