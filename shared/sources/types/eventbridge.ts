import * as z from 'zod/mini'
import { Failure } from '../../errors.ts'
import { optional } from '../../fields.ts'
import { type Alerts, defineSourceType, eventId, eventWord, type Reading } from '../source-type.ts'

export const awsEvent = z.object({
  id: optional(eventId),
  'detail-type': eventWord,
  detail: z.nullish(z.record(z.string(), z.unknown())),
})

/** An event of AWS about a run: where its ids and its status are. */
interface RunEvent {
  status: string
  /** The statuses that mark an end. */
  ends: readonly string[]
  /** Returns the ids of the run, as its provider stores them. */
  runs(text: (path: string) => string): string[]
}

const SAGEMAKER_ENDS = ['Completed', 'Failed', 'Stopped']

const runEvents: Record<string, RunEvent> = {
  'CodeBuild Build State Change': {
    status: 'build-status',
    ends: ['SUCCEEDED', 'FAILED', 'FAULT', 'TIMED_OUT', 'STOPPED'],
    // The ARN of the build ends with its id.
    runs: (text) => [text('build-id').replace(/^.*:build\//, '')],
  },
  'CodePipeline Pipeline Execution State Change': {
    status: 'state',
    ends: ['SUPERSEDED', 'STOPPED', 'SUCCEEDED', 'FAILED', 'CANCELED'],
    runs: (text) => [`${text('pipeline')}#${text('execution-id')}`],
  },
  'FIS Experiment State Change': {
    status: 'new-state.status',
    ends: ['completed', 'stopped', 'failed', 'cancelled'],
    runs: (text) => [text('experiment-id')],
  },
  'EC2 Automation Execution Status-change Notification': {
    status: 'Status',
    ends: [
      'Success',
      'CompletedWithSuccess',
      'Failed',
      'CompletedWithFailure',
      'TimedOut',
      'Rejected',
      'ChangeCalendarOverrideRejected',
      'Cancelled',
      'Exited',
    ],
    runs: (text) => [text('ExecutionId')],
  },
  'SageMaker Training Job State Change': {
    status: 'TrainingJobStatus',
    ends: SAGEMAKER_ENDS,
    runs: (text) => [`training/${text('TrainingJobName')}`],
  },
  'SageMaker HyperParameter Tuning Job State Change': {
    status: 'HyperParameterTuningJobStatus',
    ends: SAGEMAKER_ENDS,
    runs: (text) => [`tuning/${text('HyperParameterTuningJobName')}`],
  },
  'SageMaker Model Building Pipeline Execution Status Change': {
    status: 'currentPipelineExecutionStatus',
    ends: ['Succeeded', 'Failed', 'Stopped'],
    runs: (text) => [text('pipelineExecutionArn')],
  },
  'Step Functions Execution Status Change': {
    status: 'status',
    ends: ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'],
    runs: (text) => [text('executionArn')],
  },
  'On Deployment Complete': appConfig('OnDeploymentComplete'),
  'On Deployment Rolled Back': appConfig('OnDeploymentRolledBack'),
}

/** A connection may name the application and the environment, or have their ids. */
function appConfig(end: string): RunEvent {
  return {
    status: 'Type',
    ends: [end],
    runs: (text) =>
      ['Id', 'Name'].flatMap((application) =>
        ['Id', 'Name'].map((environment) =>
          [text(`Application.${application}`), text(`Environment.${environment}`), text('DeploymentNumber')].join('/'),
        ),
      ),
  }
}

/**
 * Reads an event of AWS.
 *
 * @throws Failure `invalid`
 */
export function readAwsEvent({ id: delivery, 'detail-type': type, detail }: z.output<typeof awsEvent>): Reading {
  const runEvent = Object.hasOwn(runEvents, type) ? runEvents[type] : undefined
  if (runEvent === undefined) return { event: type, delivery }
  const text = (path: string) => textIn(detail, path, type)
  const status = text(runEvent.status)
  return { event: `${type}: ${status}`, runs: runEvent.runs(text), ended: runEvent.ends.includes(status), delivery }
}

/** @throws Failure `invalid` */
function textIn(detail: unknown, path: string, type: string): string {
  const value = path.split('.').reduce((held, name) => Object(held)[name] as unknown, detail)
  const parsed = z.safeParse(eventId, value)
  if (parsed.success) return parsed.data
  throw new Failure('invalid', `detail.${path} of the event "${type}" is missing or not valid.`)
}

export const ALARM_EVENT = 'CloudWatch Alarm State Change'
const isAlarm = `notification.event == '${ALARM_EVENT}'`

/** Alarms of CloudWatch, as EventBridge and as SNS send them. Each other event is an alert of its own. */
export const awsAlerts: Alerts = {
  firing: `notification.event != '${ALARM_EVENT}' || (detail.state.value || NewStateValue) == 'ALARM'`,
  resolved: `${isAlarm} && (detail.state.value || NewStateValue) == 'OK'`,
  // The ARN of the alarm.
  key: `${isAlarm} && (resources[0] || AlarmArn) || notification.delivery`,
  at: `${isAlarm} && (detail.state.timestamp || StateChangeTime) || \`null\``,
}

/**
 * Events of AWS: from a rule of EventBridge whose target is the function, or an API destination.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/ref/overview.html
 */
export const eventbridge = defineSourceType({
  title: 'Amazon EventBridge',
  token: ['bearer', 'x-api-key'],
  basic: true,
  body: awsEvent,
  read: readAwsEvent,
  alerts: awsAlerts,
  setup: [
    'The stack creates the rules for its own account and region. For other ones, create an API destination:',
    'Endpoint: {url}, method POST.',
    {
      token: 'Connection: API key with the name x-api-key and the value {secret}.',
      password: 'Connection: Basic with the username {user} and the password {secret}.',
    },
    'Create a rule of EventBridge for the events of your runs, such as "CodeBuild Build State Change", or for "CloudWatch Alarm State Change", with the API destination as its target.',
    'AppConfig sends events only with the extension AWS.AppConfig.DeploymentNotificationsToEventBridge.',
  ],
})
