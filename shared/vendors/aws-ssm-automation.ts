import {
  GetAutomationExecutionCommand,
  SSMClient,
  StartAutomationExecutionCommand,
  StopAutomationExecutionCommand,
} from '@aws-sdk/client-ssm'
import * as z from 'zod/mini'
import { Aws, awsAccountFields } from '../aws/aws.ts'
import { consoleUrl } from '../aws/console.ts'
import { awsErrorOf } from '../aws/failure.ts'
import { invalidInput } from '../errors.ts'
import { optional, word } from '../fields.ts'
import { defineJob, type RunResults } from '../providers/define-job.ts'
import type { StartJob } from '../providers/job.ts'
import { refuseReplacedValues } from '../providers/refuse-replaced-values.ts'
import { clipSingleLine } from '../text/single-line.ts'

/** The parameter of runbooks for the role that they assume. */
const ROLE_PARAMETER = 'AutomationAssumeRole'
/** The limit of concurrent executions is reached. Retried, because running ones end. */
const LIMIT_EXCEEDED = 'AutomationExecutionLimitExceededException'
const UNKNOWN_EXECUTION = '00000000-0000-0000-0000-000000000000'
/** Characters of one output. */
const MAX_OUTPUT = 500
/** Characters of all outputs. */
const MAX_OUTPUTS = 4_000

/**
 * Runs runbooks of AWS Systems Manager. The idempotency key is the client token of the execution. Executions have no tags, which
 * would require another permission.
 *
 * @see https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StartAutomationExecution.html
 * @see https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-statuses.html
 */
export const awsSsmAutomation = defineJob({
  title: 'AWS Systems Manager',
  aws: Aws,
  noun: 'execution',
  notifiedBy: { type: 'eventbridge', wakeId: ({ id }) => id },
  connection: z.strictObject({
    ...awsAccountFields,
    target: optional(word('Default runbook: the name of the document, or its ARN if another account shares it')),
    automationRoleArn: optional(
      word(
        `The role that runbooks assume, sent as their parameter ${ROLE_PARAMETER}. Calls then cannot set it. Without it, a runbook has the role of the function, which has almost no permissions`,
      ),
    ),
  }),
  states: {
    Pending: 'running',
    InProgress: 'running',
    Waiting: 'running',
    PendingApproval: 'running',
    Approved: 'running',
    Scheduled: 'running',
    RunbookInProgress: 'running',
    PendingChangeCalendarOverride: 'running',
    ChangeCalendarOverrideApproved: 'running',
    Cancelling: 'running',
    Success: 'pass',
    CompletedWithSuccess: 'pass',
    Failed: 'fail',
    TimedOut: 'fail',
    Rejected: 'fail',
    CompletedWithFailure: 'fail',
    ChangeCalendarOverrideRejected: 'fail',
    Cancelled: 'aborted',
    Exited: 'aborted',
  },
  stopping: ['Cancelling'],
  hasIdempotentStart: true,
  runId: {
    pattern: /^[0-9a-f-]{36}$/i,
    description: 'an execution id such as 4105a4fc-f944-11e6-9d32-8fb2c06572f4',
  },
  async identify({ id }: { id: string }, { aws }) {
    return { id, url: consoleUrl(await aws.region(SSMClient), `systems-manager/automation/execution/${id}`) }
  },

  /** Reads an unknown execution. AWS reports it as not found only to callers with the permission to read executions. */
  async check({ aws }) {
    try {
      await aws.read(SSMClient, new GetAutomationExecutionCommand({ AutomationExecutionId: UNKNOWN_EXECUTION }))
    } catch (error) {
      if (awsErrorOf(error)?.name !== 'AutomationExecutionNotFoundException') throw error
    }
  },

  checkStart({ target, project, ref, parameters }, { automationRoleArn }) {
    if (project !== undefined)
      throw invalidInput('input.project', 'is not supported, because runbooks have no project. Remove it')
    if (!/^[\w.:/-]{3,128}$/.test(target))
      throw invalidInput('input.target', 'must be the name of a document such as AWS-RestartEC2Instance')
    if (ref !== undefined && !/^(?:\$LATEST|\$DEFAULT|[1-9]\d*)$/.test(ref))
      throw invalidInput('input.ref', 'must be the version of a document: a number, $LATEST or $DEFAULT')
    if (automationRoleArn && parameters && Object.hasOwn(parameters, ROLE_PARAMETER))
      throw invalidInput(`input.parameters.${ROLE_PARAMETER}`, 'is set by the connection. Remove it')
    const explanation = 'must not contain {{, because Systems Manager would replace it with a parameter of its store'
    refuseReplacedValues(parameters, /\{\{/, explanation)
  },

  async start({ aws, idempotencyKey, connection }, { target, ref, parameters = {} }) {
    const { automationRoleArn: role } = connection
    const command = new StartAutomationExecutionCommand({
      DocumentName: target,
      DocumentVersion: ref,
      Parameters: { ...parametersOf(parameters), ...(role ? { [ROLE_PARAMETER]: [role] } : {}) },
      ClientToken: idempotencyKey && tokenOf(idempotencyKey),
    })
    const { AutomationExecutionId } = await aws.write(SSMClient, command, LIMIT_EXCEEDED)
    return { id: aws.requireField(AutomationExecutionId, 'AutomationExecutionId') }
  },

  async getStatus({ aws }, { id }) {
    const command = new GetAutomationExecutionCommand({ AutomationExecutionId: id })
    const { AutomationExecution } = await aws.read(SSMClient, command)
    return statusOf(aws.requireField(AutomationExecution, 'AutomationExecution'))
  },

  async stop({ aws }, { id }) {
    await aws.write(SSMClient, new StopAutomationExecutionCommand({ AutomationExecutionId: id, Type: 'Cancel' }))
  },
})

/** Returns the key as a UUID, which client tokens must be. */
function tokenOf(key: string): string {
  return key.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Returns parameters as lists of text. Runbooks accept maps as JSON. */
function parametersOf(parameters: NonNullable<StartJob['parameters']>): Record<string, string[]> {
  const entries = Object.entries(parameters).filter(([, value]) => value !== null)
  return Object.fromEntries(entries.map(([name, value]) => [name, [value].flat().map(textOf)]))
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

interface Step {
  StepName?: string
  StepStatus?: string
  FailureMessage?: string
}

/** The fields of an execution that we read. */
interface Execution {
  AutomationExecutionStatus?: string
  DocumentVersion?: string
  ExecutionStartTime?: Date
  ExecutionEndTime?: Date
  CurrentStepName?: string
  StepExecutions?: Step[]
  StepExecutionsTruncated?: boolean
  FailureMessage?: string
  Outputs?: Record<string, string[]>
}

function statusOf(execution: Execution): RunResults & { state: string } {
  const { AutomationExecutionStatus: state = 'Pending', DocumentVersion: version, FailureMessage: message } = execution
  const failing = execution.StepExecutions?.findLast(({ StepStatus = '' }) =>
    /^(?:Failed|TimedOut|Rejected)$/.test(StepStatus),
  )
  const details = message || failing?.FailureMessage
  const reason = [failing && `step ${failing.StepName} ${failing.StepStatus}`, details].filter(Boolean).join(': ')
  const outputs = Object.entries(execution.Outputs ?? {}).map(([name, values]) => [name, values.join(', ')] as const)
  return {
    state,
    progress: stepOf(execution),
    reasons: [reason],
    data: {
      ...(version ? { version } : {}),
      ...(failing ? { failingStep: failing.StepName } : {}),
      ...(outputs.length > 0 ? { outputs: clipped(outputs) } : {}),
    },
    metrics: Object.fromEntries(
      outputs
        .filter(([, text]) => text.trim() !== '' && Number.isFinite(Number(text)))
        .map(([name, text]) => [name, Number(text)]),
    ),
    period: { start: execution.ExecutionStartTime, end: execution.ExecutionEndTime },
  }
}

function stepOf({ CurrentStepName: name, StepExecutions: steps = [], StepExecutionsTruncated: more }: Execution) {
  const index = steps.findIndex(({ StepName }) => StepName === name)
  if (!name || index < 0 || more) return name
  return `step ${index + 1} of ${steps.length}, ${name}`
}

/** Returns as many outputs as fit. */
function clipped(outputs: readonly (readonly [string, string])[]): Record<string, string> {
  let left = MAX_OUTPUTS
  const shortened = outputs.map(([name, text]) => [name, clipSingleLine(text, MAX_OUTPUT)] as const)
  return Object.fromEntries(
    shortened.filter(([name, text]) => {
      left -= name.length + text.length
      return left >= 0
    }),
  )
}
