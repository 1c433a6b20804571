import { CodePipelineClient, ListActionExecutionsCommand } from '@aws-sdk/client-codepipeline'
import type { RunResults } from '../../../shared/providers/define-job.ts'
import type { Period } from '../../../shared/providers/job.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import type { ExecutionId } from './execution.ts'

/** The maximum page size of AWS. */
const MAX_ACTIONS = 100

/** The fields of an execution that are used here. */
interface Execution {
  rollbackMetadata?: { rollbackTargetPipelineExecutionId?: string }
  statusSummary?: string
  artifactRevisions?: { revisionId?: string }[]
}

interface ActionExecution {
  stageName?: string
  actionName?: string
  status?: string
  startTime?: Date
  lastUpdateTime?: Date
  input?: { actionTypeId?: { category?: string | undefined } | undefined }
  output?: {
    executionResult?: {
      externalExecutionSummary?: string
      externalExecutionUrl?: string
      errorDetails?: { code?: string; message?: string }
    }
  }
}

/** Returns the actions, newest first. */
export async function actionsOf(aws: Client['aws'], execution: ExecutionId): Promise<ActionExecution[]> {
  const { pipelineName, pipelineExecutionId } = execution
  const command = new ListActionExecutionsCommand({
    pipelineName,
    filter: { pipelineExecutionId },
    maxResults: MAX_ACTIONS,
  })
  const { actionExecutionDetails } = await aws.read(CodePipelineClient, command)
  const actions = aws.requireField(actionExecutionDetails, 'actionExecutionDetails')
  return actions.toSorted((one, other) => timeOf(other.startTime) - timeOf(one.startTime))
}

export function timeOf(date: Date | undefined): number {
  return date?.getTime() ?? 0
}

export function statusOf(
  state: string,
  { statusSummary, artifactRevisions = [], rollbackMetadata }: Execution = {},
  actions: ActionExecution[],
): RunResults & { state: string } {
  const failing = state === 'Failed' ? actions.find(({ status }) => status === 'Failed') : undefined
  const { errorDetails, externalExecutionSummary, externalExecutionUrl } = failing?.output?.executionResult ?? {}
  const cause = [errorDetails?.code, errorDetails?.message || externalExecutionSummary].filter(Boolean).join(': ')
  const reason = [failing && `${nameOf(failing)} failed`, cause || statusSummary].filter(Boolean).join(': ')
  const revision = artifactRevisions.flatMap(({ revisionId }) => revisionId ?? []).join(', ')
  const { rollbackTargetPipelineExecutionId: rolledBackTo } = rollbackMetadata ?? {}
  return {
    state,
    progress: describeProgress(actions),
    reasons: [reason],
    data: {
      ...(revision ? { revision } : {}),
      ...(rolledBackTo ? { rolledBackTo } : {}),
      ...(failing ? { failedStage: failing.stageName, failedAction: failing.actionName } : {}),
    },
    links: failing && externalExecutionUrl ? { [nameOf(failing)]: externalExecutionUrl } : {},
    period: periodOf(actions),
  }
}

function describeProgress(actions: ActionExecution[]): string | undefined {
  const running = actions.filter(({ status }) => status === 'InProgress')
  const names = running.map((action) => {
    const isApproval = action.input?.actionTypeId?.category === 'Approval'
    return `${nameOf(action)}${isApproval ? ', waiting for an approval' : ''}`
  })
  return names.join('; ') || undefined
}

function nameOf({ stageName, actionName }: ActionExecution): string {
  return `action ${stageName}/${actionName}`
}

function periodOf(actions: ActionExecution[]): Period {
  return {
    start: Math.min(...actions.map(({ startTime }) => timeOf(startTime))),
    end: Math.max(...actions.map(({ lastUpdateTime }) => timeOf(lastUpdateTime))),
  }
}
