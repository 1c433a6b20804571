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
import type { Aws } from '../../shared/aws/aws.ts'
import { toTextParameters } from '../../shared/providers/text-parameters.ts'
import { createOnce, nameAfter, pageOf, pick, runOf, specified } from './sagemaker-job.ts'
import { durationOf, type Kind, metricsIn, reasonOf, stateOf } from './sagemaker-run.ts'

const longestName = 32
/** Set by the tuner in each of its trainings: shown, and refused in a request. */
const reserved = '_tuning_objective_metric'

/** What is not taken as it is. */
type Given =
  | 'HyperParameterTuningJobName'
  | 'HyperParameterTuningJobConfig'
  | 'TrainingJobDefinition'
  | 'TrainingJobDefinitions'

/** All else that defines a tuning: see that of a training. */
const definition: Readonly<
  Record<
    Exclude<keyof CreateHyperParameterTuningJobRequest & keyof DescribeHyperParameterTuningJobResponse, Given>,
    true
  >
> = { Autotune: true, WarmStartConfig: true }

/**
 * A hyperparameter tuning job, made after an earlier one.
 *
 * @see https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateHyperParameterTuningJob.html
 */
export const tuning: Kind = {
  check: describe,

  async start(client, template, { parameters }) {
    const { aws, idempotencyKey } = client
    const name = nameAfter(template, idempotencyKey, longestName)
    const earlier = await describe(aws, template)
    const trainings = (metrics: 'kept' | 'left out') => (one: HyperParameterTrainingJobDefinition) => {
      const { [reserved]: _, ...fixed } = one.StaticHyperParameters ?? {}
      return {
        ...one,
        AlgorithmSpecification: specified(one.AlgorithmSpecification, metrics),
        StaticHyperParameters: { ...fixed, ...toTextParameters(parameters) },
      }
    }
    await createOnce(
      client,
      () => describe(aws, name),
      (metrics) =>
        new CreateHyperParameterTuningJobCommand({
          ...pick(earlier, definition),
          HyperParameterTuningJobName: name,
          HyperParameterTuningJobConfig: earlier.HyperParameterTuningJobConfig,
          TrainingJobDefinition: earlier.TrainingJobDefinition && trainings(metrics)(earlier.TrainingJobDefinition),
          TrainingJobDefinitions: earlier.TrainingJobDefinitions?.map(trainings(metrics)),
        }),
    )
    return runOf(aws, 'tuning', name)
  },

  async look(aws, name) {
    const job = await describe(aws, name)
    const status = aws.requireField(job.HyperParameterTuningJobStatus, 'HyperParameterTuningJobStatus')
    const best = bestOf(job.BestTrainingJob)
    const { Completed: trainingsCompleted = 0, ...counted } = job.TrainingJobStatusCounters ?? {}
    const trainingsFailed = (counted.NonRetryableError ?? 0) + (counted.RetryableError ?? 0)
    const metrics = {
      ...durationOf(job.CreationTime, job.HyperParameterTuningEndTime),
      trainingsCompleted,
      trainingsFailed,
    }
    const nothing = status === 'Completed' && !best ? 'no training has reported the objective' : undefined
    return {
      state: stateOf(status, undefined, job.FailureReason),
      ...(nothing ? { verdict: 'fail' } : {}),
      run: await runOf(aws, 'tuning', name),
      progress: stepOf(job),
      reason: reasonOf(job.FailureReason ?? nothing),
      data: {
        best,
        // Of all that a warm start goes on from, where it compares them.
        overallBest: bestOf(job.OverallBestTrainingJob),
        ...metrics,
        trainingsStopped: counted.Stopped ?? 0,
      },
      links: best ? { [`training ${best.training}`]: await pageOf(aws, 'training', best.training) } : {},
      metrics: { ...metrics, ...metricsIn([job.BestTrainingJob?.FinalHyperParameterTuningJobObjectiveMetric]) },
    }
  },

  stop: ({ aws }, name) =>
    aws.write(SageMakerClient, new StopHyperParameterTuningJobCommand({ HyperParameterTuningJobName: name })),
}

function describe(aws: Aws, name: string) {
  return aws.read(SageMakerClient, new DescribeHyperParameterTuningJobCommand({ HyperParameterTuningJobName: name }))
}

/** The best configuration, and what it achieved. */
function bestOf(job: HyperParameterTrainingJobSummary | undefined) {
  if (!job?.TrainingJobName) return undefined
  const objective = job.FinalHyperParameterTuningJobObjectiveMetric
  const [[metric, value] = []] = Object.entries(metricsIn([objective]))
  return { training: job.TrainingJobName, hyperParameters: job.TunedHyperParameters ?? {}, metric, value }
}

/** `7 of 20 trainings ended, 2 under way; best so far: validation:auc 0.93`. */
function stepOf(job: DescribeHyperParameterTuningJobResponse): string {
  const { Completed = 0, NonRetryableError = 0, Stopped = 0, InProgress = 0 } = job.TrainingJobStatusCounters ?? {}
  const most = job.HyperParameterTuningJobConfig?.ResourceLimits?.MaxNumberOfTrainingJobs
  const best = bestOf(job.BestTrainingJob)
  const ended = `${Completed + NonRetryableError + Stopped}${most ? ` of ${most}` : ''} trainings ended`
  const sofar = best?.value === undefined ? '' : `; best so far: ${best.metric} ${best.value}`
  return `${ended}, ${InProgress} under way${sofar}`
}
