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
import { Failure } from '../errors.ts'
import { optional, word } from '../fields.ts'
import { defineJobProvider, type RunStatus, type StartJob } from '../providers/job.ts'
import { clipSingleLine } from '../text/single-line.ts'

/** The parameter by which a runbook gets the role that it acts as. */
const roleParameter = 'AutomationAssumeRole'
/** So many run that no other one may: one of them will end. */
const tooMany = 'AutomationExecutionLimitExceededException'
const noExecution = '00000000-0000-0000-0000-000000000000'
const longestReason = 500
/** Characters of one output, and of all of them. */
const longestOutput = 500
const mostOutput = 4_000

/**
 * Runbooks of AWS Systems Manager. An execution carries the key of its call as its client token.
 *
 * It has no tags: a role would need another permission for them, and they would say nothing that the token does not.
 *
 * @see https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StartAutomationExecution.html
 * @see https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-statuses.html
 */
export const awsSsmAutomation = defineJobProvider({
  title: 'AWS Systems Manager',
  aws: Aws,
  noun: 'execution',
  connection: z.strictObject({
    ...awsAccountFields,
    target: optional(word('Default runbook: the name of the document, or its ARN where another account shares it')),
    automationRoleArn: optional(
      word(`The role that runbooks act as, given as their parameter ${roleParameter}; the caller's own where left out`),
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
  hasIdempotentStart: true as const,

  /** Who may be told that there is no such execution, may look at executions. */
  async check({ aws }) {
    try {
      await aws.read(SSMClient, new GetAutomationExecutionCommand({ AutomationExecutionId: noExecution }))
    } catch (error) {
      if (awsErrorOf(error)?.name !== 'AutomationExecutionNotFoundException') throw error
    }
  },

  checkStart({ target, project, ref, parameters }, { automationRoleArn }) {
    if (project !== undefined) throw invalid('project', 'of no use, since runbooks are in no project: leave it out')
    if (!/^[\w.:/-]{3,128}$/.test(target))
      throw invalid('target', 'no name of a document: write it like AWS-RestartEC2Instance')
    if (ref !== undefined && !/^(?:\$LATEST|\$DEFAULT|[1-9]\d*)$/.test(ref))
      throw invalid('ref', 'no version of a document: write a number, $LATEST or $DEFAULT')
    if (automationRoleArn && parameters && Object.hasOwn(parameters, roleParameter))
      throw invalid(`parameters.${roleParameter}`, 'set by the connection: leave it out')
  },

  async start({ aws, idempotencyKey: key, connection }, { target, ref, parameters = {} }) {
    const { automationRoleArn: role } = connection
    const command = new StartAutomationExecutionCommand({
      DocumentName: target,
      DocumentVersion: ref,
      Parameters: { ...parametersOf(parameters), ...(role ? { [roleParameter]: [role] } : {}) },
      ClientToken: key && tokenOf(key),
    })
    const { AutomationExecutionId } = await aws.write(SSMClient, command, tooMany)
    const id = aws.requireField(AutomationExecutionId, 'AutomationExecutionId')
    const region = await aws.region(SSMClient)
    return { id, url: consoleUrl(region, `systems-manager/automation/execution/${id}`) }
  },

  async getStatus({ aws }, { id }) {
    const command = new GetAutomationExecutionCommand({ AutomationExecutionId: id })
    const { AutomationExecution } = await aws.read(SSMClient, command)
    return sightOf(aws.requireField(AutomationExecution, 'AutomationExecution'))
  },

  parseRunId({ id }) {
    if (/^[0-9a-f-]{36}$/i.test(id)) return { id }
    throw invalid('id', 'no execution: write it like 4105a4fc-f944-11e6-9d32-8fb2c06572f4')
  },

  async stop({ aws }, { id }) {
    try {
      await aws.write(SSMClient, new StopAutomationExecutionCommand({ AutomationExecutionId: id, Type: 'Cancel' }))
    } catch (error) {
      // It has ended in the meantime, or is being cancelled already: the next look shows which.
      if (awsErrorOf(error)?.name !== 'InvalidAutomationStatusUpdateException') throw error
    }
  },
})

/** A client token must have the form of a UUID. */
function tokenOf(key: string): string {
  return key.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** A runbook takes lists of text: what is no text is written as JSON, which is how it takes maps. */
function parametersOf(parameters: NonNullable<StartJob['parameters']>): Record<string, string[]> {
  const given = Object.entries(parameters).filter(([, value]) => value !== null)
  return Object.fromEntries(given.map(([name, value]) => [name, [value].flat().map(textOf)]))
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

interface Step {
  StepName?: string
  StepStatus?: string
  FailureMessage?: string
}

/** Of all that an execution says, what we use. */
interface Execution {
  AutomationExecutionStatus?: string
  DocumentVersion?: string
  CurrentStepName?: string
  StepExecutions?: Step[]
  StepExecutionsTruncated?: boolean
  FailureMessage?: string
  Outputs?: Record<string, string[]>
}

function sightOf(execution: Execution): RunStatus {
  const { AutomationExecutionStatus: state = 'Pending', DocumentVersion: version, FailureMessage: message } = execution
  const failing = execution.StepExecutions?.findLast(({ StepStatus = '' }) =>
    /^(?:Failed|TimedOut|Rejected)$/.test(StepStatus),
  )
  const why = message || failing?.FailureMessage
  const reason = [failing && `step ${failing.StepName} ${failing.StepStatus}`, why].filter(Boolean).join(': ')
  const outputs = Object.entries(execution.Outputs ?? {}).map(([name, values]) => [name, values.join(', ')] as const)
  return {
    state,
    progress: stepOf(execution),
    reason: reason ? clipSingleLine(reason, longestReason) : undefined,
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
  }
}

function stepOf({ CurrentStepName: name, StepExecutions: steps = [], StepExecutionsTruncated: more }: Execution) {
  const at = steps.findIndex(({ StepName }) => StepName === name)
  if (!name || at < 0 || more) return name
  return `step ${at + 1} of ${steps.length}, ${name}`
}

/** As many as fit. */
function clipped(outputs: readonly (readonly [string, string])[]): Record<string, string> {
  let left = mostOutput
  const kept = outputs.map(([name, text]) => [name, clipSingleLine(text, longestOutput)] as const)
  return Object.fromEntries(
    kept.filter(([name, text]) => {
      left -= name.length + text.length
      return left >= 0
    }),
  )
}

function invalid(field: string, message: string): Failure {
  return new Failure('invalid', `input.${field} is ${message}`, { errors: [{ path: `input.${field}`, message }] })
}
