import { startSageMaker } from '../../platforms/aws-sagemaker.ts'
import { startStepFunctions } from '../../platforms/aws-step-functions.ts'
import { startDatabricks } from '../../platforms/databricks/server.ts'
import { play } from '../platform.ts'
import { type JobPlatform, stages, stopsWhenAsked } from './platform.ts'

const region = 'eu-west-1'
/** Without one, a tuning does not pass. */
const BestTrainingJob = {
  TrainingJobName: 'churn-tuning-017',
  FinalHyperParameterTuningJobObjectiveMetric: { MetricName: 'validation:auc', Value: 0.94 },
}
const RUNNING = /^(?:BLOCKED|PENDING|QUEUED|RUNNING|TERMINATING|WAITING|WAITING_FOR_RETRY)$/

export const optimizationPlatforms = {
  databricks: databricks(),
  'aws-step-functions': {
    known: 'token',
    starts: /^StartExecution$/,
    start: play(startStepFunctions, ({ url: endpoint, state, end }) => {
      const [target = ''] = Object.keys(state.machines)
      return {
        connection: { region, endpoint },
        input: { target },
        runs: () => state.executions.length,
        id: () => state.executions.at(-1)?.executionArn ?? '',
        hasStarted: () => undefined,
        enter: end,
        end: () => end('SUCCEEDED'),
        hasStopped: () => state.executions.at(-1)?.status === 'ABORTED',
      }
    }),
  },
  'aws-sagemaker': sageMaker('pipeline'),
} satisfies Record<string, JobPlatform>

/** Each kind of run of Amazon SageMaker. */
export const sageMakerPlatforms = {
  pipeline: sageMaker('pipeline'),
  training: sageMaker('training'),
  tuning: sageMaker('tuning'),
}

function sageMaker(kind: 'pipeline' | 'training' | 'tuning') {
  const { starts, target, field } = {
    pipeline: { starts: /^StartPipelineExecution$/, target: 'churn-model', field: 'status' },
    training: { starts: /^CreateTrainingJob$/, target: 'training/churn-weekly', field: 'TrainingJobStatus' },
    tuning: {
      starts: /^CreateHyperParameterTuningJob$/,
      target: 'tuning/churn-tuning',
      field: 'HyperParameterTuningJobStatus',
    },
  }[kind]
  return {
    known: 'token',
    starts,
    start: play(startSageMaker, ({ url: endpoint, state }) => {
      // The first job of each kind is the one that is copied.
      const runs = () =>
        ({
          pipeline: state.executions.map((execution) => [execution.arn, execution] as const),
          training: Object.entries(state.trainings).slice(1),
          tuning: Object.entries(state.tunings).slice(1),
        })[kind]
      const newest = () => (runs().at(-1)?.[1] ?? {}) as Record<string, unknown>
      const enter = (name: string) => {
        const [status, detail] = name.split('/')
        const FailureReason = status === 'Failed' && detail ? `${detail}: It broke.` : undefined
        Object.assign(newest(), { [field]: status, SecondaryStatus: detail ?? status, FailureReason, BestTrainingJob })
      }
      return {
        connection: { region, endpoint },
        input: { target },
        runs: () => runs().length,
        id: () => `${kind === 'pipeline' ? '' : `${kind}/`}${runs().at(-1)?.[0]}`,
        hasStarted: () => undefined,
        enter,
        end: () => enter(kind === 'pipeline' ? 'Succeeded' : 'Completed'),
        hasStopped: stopsWhenAsked(enter, () => newest()[field], 'Stopping', 'Stopped'),
      }
    }),
  } satisfies JobPlatform
}

/** Databricks, which reports the states of its older API only. */
export const oldDatabricks: JobPlatform = databricks({ isOld: true })

function databricks({ isOld = false } = {}) {
  return {
    known: 'token',
    starts: /^POST .*\/run-now$/,
    start: play(startDatabricks, ({ url: baseUrl, token, state, show }) => {
      const stateOf = () => {
        const { status, state: oldState } = state.runs.at(-1) ?? {}
        return isOld ? oldState?.['life_cycle_state'] : status?.['state']
      }
      /** Enters a state, or ends with a code. */
      const enter = (name: string) => {
        const termination_details = { code: name, type: 'SUCCESS', message: '' }
        const ended = isOld
          ? { life_cycle_state: 'TERMINATED', result_state: name }
          : { state: 'TERMINATED', termination_details }
        const isLifeCycle = RUNNING.test(name) || (isOld && /^(?:SKIPPED|INTERNAL_ERROR)$/.test(name))
        const entered = isLifeCycle ? { [isOld ? 'life_cycle_state' : 'state']: name } : ended
        show(isOld ? { status: undefined, state: entered } : { status: entered })
      }
      return {
        connection: { baseUrl, token },
        input: { target: String(state.jobs[0]?.job_id) },
        runs: () => state.runs.length,
        id: () => String(state.runs.at(-1)?.run_id),
        ...stages(enter, 'RUNNING', 'SUCCESS'),
        hasStopped() {
          if (stateOf() === 'TERMINATING') enter('CANCELED')
          return stateOf() === 'TERMINATED'
        },
      }
    }),
  } satisfies JobPlatform
}
