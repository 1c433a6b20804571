import {
  CodePipelineClient,
  GetPipelineExecutionCommand,
  GetPipelineStateCommand,
  ListActionExecutionsCommand,
  ListPipelineExecutionsCommand,
  RollbackStageCommand,
  StartPipelineExecutionCommand,
  StopPipelineExecutionCommand,
} from '@aws-sdk/client-codepipeline'
import * as z from 'zod/mini'
import { Aws, awsAccountFields } from '../../../shared/aws/aws.ts'
import { consoleUrl } from '../../../shared/aws/console.ts'
import { awsErrorOf } from '../../../shared/aws/failure.ts'
import { Failure, invalidInput } from '../../../shared/errors.ts'
import { optional, withDescription, word } from '../../../shared/fields.ts'
import { defineJobProvider, type Run, type RunStatus, type StartJob } from '../../../shared/providers/job.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { validate } from '../../../shared/validate.ts'

const PIPELINE_NAME = /^[\w.@-]{1,100}$/
const EXECUTION_ID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

const rollbackParameters = z.strictObject({
  stage: withDescription(z.string().check(z.regex(PIPELINE_NAME)), 'Stage to roll back'),
})

/** Another execution is in the way, or too many are running. Transient: they will end. */
const BUSY = ['ConflictException', 'ConcurrentPipelineExecutionsLimitExceededException']
/** The execution has ended or is stopping already: the next poll reports it. */
const NOT_STOPPABLE = ['PipelineExecutionNotStoppableException', 'DuplicatedStopRequestException']
const UNKNOWN_EXECUTION = '00000000-0000-0000-0000-000000000000'
/** The maximum page size of AWS, newest first. */
const MAX_ACTIONS = 100
const MAX_EXECUTIONS = 100
const MAX_REASON_LENGTH = 500

/**
 * AWS CodePipeline: runs a pipeline. The idempotency key is the client token. A rollback of a stage is an execution, too, but
 * cannot carry a key.
 *
 * @see https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_StartPipelineExecution.html
 * @see https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_RollbackStage.html
 * @see https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works.html
 */
export const awsCodePipeline = defineJobProvider({
  title: 'AWS CodePipeline',
  aws: Aws,
  noun: 'execution',
  connection: z.strictObject({ ...awsAccountFields, target: optional(word('Default pipeline, by name')) }),
  states: {
    InProgress: 'running',
    Stopping: 'running',
    Succeeded: 'pass',
    Failed: 'fail',
    Stopped: 'aborted',
    Cancelled: 'aborted',
    Superseded: 'errored',
  },
  hasIdempotentStart: true as const,

  /** With permission to read executions, an unknown id returns "not found". */
  async check({ aws, connection: { target } }) {
    const unknown = { pipelineName: target ?? 'none', pipelineExecutionId: UNKNOWN_EXECUTION }
    const expected = ['PipelineExecutionNotFoundException']
    // Permissions are per pipeline. Without a target, these still show that the credentials are valid.
    if (target === undefined) expected.push('PipelineNotFoundException', 'AccessDeniedException')
    try {
      await aws.read(CodePipelineClient, new GetPipelineExecutionCommand(unknown))
    } catch (error) {
      if (!expected.includes(awsErrorOf(error)?.name ?? '')) throw error
    }
  },

  checkStart(input) {
    checkPipeline(input)
    if (input.ref !== undefined) revisionOf(input.ref)
  },

  async start({ aws, idempotencyKey }, { target, ref, parameters }) {
    const variables = Object.entries(toTextParameters(parameters)).map(([name, value]) => ({ name, value }))
    const command = new StartPipelineExecutionCommand({
      name: target,
      ...(variables.length > 0 ? { variables } : {}),
      ...(ref === undefined ? {} : { sourceRevisions: [revisionOf(ref)] }),
      clientRequestToken: idempotencyKey,
    })
    const { pipelineExecutionId } = await aws.write(CodePipelineClient, command, ...BUSY)
    return runOf(aws, target, pipelineExecutionId)
  },

  async getStatus({ aws }, { id }) {
    const execution = parseId(id)
    const { pipelineExecution = {} } = await aws.read(CodePipelineClient, new GetPipelineExecutionCommand(execution))
    return statusOf(pipelineExecution, await actionsOf(aws, execution))
  },

  parseRunId({ id }) {
    parseId(id)
    return { id }
  },

  async stop({ aws }, { id }) {
    try {
      // Abandoning running actions would leave them half done.
      await aws.write(CodePipelineClient, new StopPipelineExecutionCommand({ ...parseId(id), abandon: false }), ...BUSY)
    } catch (error) {
      if (!NOT_STOPPABLE.includes(awsErrorOf(error)?.name ?? '')) throw error
    }
  },

  rollback: {
    checkStart(input) {
      checkPipeline(input)
      stageOf(input)
      if (input.ref !== undefined) executionOf(input, input.ref)
    },

    async start({ aws }, input) {
      const { target, ref } = input
      const stage = stageOf(input)
      const execution = ref === undefined ? await executionBefore(aws, target, stage) : executionOf(input, ref)
      const command = new RollbackStageCommand({
        pipelineName: target,
        stageName: stage,
        targetPipelineExecutionId: execution,
      })
      // When the other execution ends, the previous execution is no longer the one that the caller meant.
      const transient = ref === undefined ? [] : BUSY
      const { pipelineExecutionId } = await aws.write(CodePipelineClient, command, ...transient)
      return {
        ...(await runOf(aws, target, pipelineExecutionId)),
        summary: `stage ${stage} rolls back to execution ${execution}`,
      }
    },
  },
})

function checkPipeline({ target, project }: StartJob): void {
  if (project !== undefined)
    throw invalidInput('input.project', 'is not supported: pipelines do not belong to a project')
  if (!PIPELINE_NAME.test(target)) throw invalidInput('input.target', 'must be a pipeline name such as shop-delivery')
}

async function runOf(aws: Client['aws'], pipeline: string, execution: string | undefined): Promise<Run> {
  const id = aws.requireField(execution, 'pipelineExecutionId')
  const page = `codesuite/codepipeline/pipelines/${pipeline}/executions/${id}/timeline`
  return { id: `${pipeline}#${id}`, url: consoleUrl(await aws.region(CodePipelineClient), page) }
}

/** Executions are identified within their pipeline, so an id is `shop-delivery#12345678-90ab-cdef-1234-567890abcdef`. */
function parseId(id: string): { pipelineName: string; pipelineExecutionId: string } {
  const [, pipelineName, pipelineExecutionId] = /^([\w.@-]{1,100})#([0-9a-f-]{36})$/i.exec(id) ?? []
  if (pipelineName && pipelineExecutionId) return { pipelineName, pipelineExecutionId }
  throw invalidInput('input.id', 'must be an execution id such as shop-delivery#12345678-90ab-cdef-1234-567890abcdef')
}

/** The revision of a source action: `Source:7f3c..` (commit), `Source:sha256:9f86..` (image), otherwise an S3 version. */
function revisionOf(ref: string) {
  const [, actionName, revisionValue] = /^([\w.@-]{1,100}):(\S+)$/.exec(ref) ?? []
  if (!actionName || !revisionValue)
    throw invalidInput('input.ref', 'must be a revision with the name of its source action, such as Source:<commit>')
  return { actionName, revisionType: typeOf(revisionValue), revisionValue }
}

function typeOf(revision: string): 'COMMIT_ID' | 'IMAGE_DIGEST' | 'S3_OBJECT_VERSION_ID' {
  if (/^[0-9a-f]{40}$/i.test(revision)) return 'COMMIT_ID'
  return revision.startsWith('sha256:') ? 'IMAGE_DIGEST' : 'S3_OBJECT_VERSION_ID'
}

/** Returns the stage to roll back. Throws Failure `invalid`. */
function stageOf({ parameters = {} }: StartJob): string {
  const path = 'input.parameters'
  return validate(rollbackParameters, parameters, { what: path, root: path }).stage
}

/** Returns the execution to roll back to. Accepts the id that a start returned. Throws Failure `invalid`. */
function executionOf({ target }: StartJob, ref: string): string {
  const execution = ref.startsWith(`${target}#`) ? ref.slice(target.length + 1) : ref
  if (EXECUTION_ID.test(execution)) return execution
  throw invalidInput('input.ref', 'must be an execution id such as 12345678-90ab-cdef-1234-567890abcdef')
}

/**
 * Returns the newest execution that succeeded in a stage before the current one. The current one is the last execution or, if
 * that was a rollback, its target. So a second rollback goes back further instead of forward.
 *
 * @throws Failure `refused`
 */
async function executionBefore(aws: Client['aws'], pipelineName: string, stageName: string): Promise<string> {
  const { stageStates = [] } = await aws.read(CodePipelineClient, new GetPipelineStateCommand({ name: pipelineName }))
  const stage = stageStates.find((one) => one.stageName === stageName)
  if (!stage) {
    const names = stageStates.map((one) => one.stageName).join(', ')
    throw new Failure('refused', `Pipeline ${pipelineName} has no stage ${stageName}. Its stages: ${names}.`)
  }
  const { pipelineExecutionId: last = UNKNOWN_EXECUTION, type, status } = stage.latestExecution ?? {}
  const current = type === 'ROLLBACK' ? await targetOf(aws, { pipelineName, pipelineExecutionId: last }) : last
  const command = new ListPipelineExecutionsCommand({
    pipelineName,
    filter: { succeededInStage: { stageName } },
    maxResults: MAX_EXECUTIONS,
  })
  const { pipelineExecutionSummaries = [] } = await aws.read(CodePipelineClient, command)
  const succeeded = pipelineExecutionSummaries.toSorted((one, other) => timeOf(other.startTime) - timeOf(one.startTime))
  const position = succeeded.findIndex(({ pipelineExecutionId }) => pipelineExecutionId === current)
  // The list does not contain an execution that failed in the stage. All executions in the list precede it.
  const isListed = position >= 0 || (type !== 'ROLLBACK' && status !== 'Succeeded')
  const before = succeeded.slice(position + 1).find(({ executionType }) => executionType !== 'ROLLBACK')
  if (isListed && before?.pipelineExecutionId) return before.pipelineExecutionId
  throw new Failure(
    'refused',
    `AWS CodePipeline has no earlier execution that succeeded in stage ${stageName} of ${pipelineName} since the pipeline was last changed. Set input.ref to an execution.`,
  )
}

/** Returns the target of a rollback. */
async function targetOf(aws: Client['aws'], execution: ReturnType<typeof parseId>): Promise<string | undefined> {
  const { pipelineExecution } = await aws.read(CodePipelineClient, new GetPipelineExecutionCommand(execution))
  return pipelineExecution?.rollbackMetadata?.rollbackTargetPipelineExecutionId
}

/** The fields of an execution that are used here. */
interface Execution {
  status?: string
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
async function actionsOf(aws: Client['aws'], execution: ReturnType<typeof parseId>): Promise<ActionExecution[]> {
  const { pipelineName, pipelineExecutionId } = execution
  const command = new ListActionExecutionsCommand({
    pipelineName,
    filter: { pipelineExecutionId },
    maxResults: MAX_ACTIONS,
  })
  const { actionExecutionDetails: actions = [] } = await aws.read(CodePipelineClient, command)
  return actions.toSorted((one, other) => timeOf(other.startTime) - timeOf(one.startTime))
}

function timeOf(date: Date | undefined): number {
  return date?.getTime() ?? 0
}

function statusOf(
  { status: state = 'InProgress', statusSummary, artifactRevisions = [], rollbackMetadata }: Execution,
  actions: ActionExecution[],
): RunStatus {
  const failing = state === 'Failed' ? actions.find(({ status }) => status === 'Failed') : undefined
  const { errorDetails, externalExecutionSummary, externalExecutionUrl } = failing?.output?.executionResult ?? {}
  const cause = [errorDetails?.code, errorDetails?.message || externalExecutionSummary].filter(Boolean).join(': ')
  const reason = [failing && `${nameOf(failing)} failed`, cause || statusSummary].filter(Boolean).join(': ')
  const revision = artifactRevisions.flatMap(({ revisionId }) => revisionId ?? []).join(', ')
  const { rollbackTargetPipelineExecutionId: rolledBackTo } = rollbackMetadata ?? {}
  const metrics: Record<string, number> = actions.length === 0 ? {} : { duration: durationOf(actions) }
  return {
    state,
    progress: describeProgress(actions),
    reason: clipSingleLine(reason, MAX_REASON_LENGTH) || undefined,
    data: {
      ...metrics,
      ...(revision ? { revision } : {}),
      ...(rolledBackTo ? { rolledBackTo } : {}),
      ...(failing ? { failedStage: failing.stageName, failedAction: failing.actionName } : {}),
    },
    links: failing && externalExecutionUrl ? { [nameOf(failing)]: externalExecutionUrl } : {},
    metrics,
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

/** Returns seconds. */
function durationOf(actions: ActionExecution[]): number {
  const started = Math.min(...actions.map(({ startTime }) => timeOf(startTime)))
  const ended = Math.max(...actions.map(({ lastUpdateTime }) => timeOf(lastUpdateTime)))
  return Math.max(0, Math.round((ended - started) / 1_000))
}
