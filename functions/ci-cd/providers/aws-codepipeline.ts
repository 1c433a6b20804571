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
import { Failure } from '../../../shared/errors.ts'
import { optional, withDescription, word } from '../../../shared/fields.ts'
import { defineJobProvider, type Run, type RunStatus, type StartJob } from '../../../shared/providers/job.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { validate } from '../../../shared/validate.ts'

const namePattern = /^[\w.@-]{1,100}$/
const executionPattern = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

const rollbackParameters = z.strictObject({
  stage: withDescription(z.string().check(z.regex(namePattern)), 'Which stage goes back'),
})

/** Something else goes on in the pipeline, or so much does that no other execution may: it will end. */
const busy = ['ConflictException', 'ConcurrentPipelineExecutionsLimitExceededException']
/** It has come to its end in the meantime, or is being stopped already: the next look shows which. */
const stopped = ['PipelineExecutionNotStoppableException', 'DuplicatedStopRequestException']
const noExecution = '00000000-0000-0000-0000-000000000000'
/** As many as AWS answers at once, the newest. */
const mostActions = 100
const mostExecutions = 100
const longestReason = 500

/**
 * AWS CodePipeline: an execution of a pipeline. It carries the key of its call as its client token. A rollback of a stage is
 * an execution too, but carries nothing of ours.
 *
 * @see https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_StartPipelineExecution.html
 * @see https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_RollbackStage.html
 * @see https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works.html
 */
export const awsCodePipeline = defineJobProvider({
  title: 'AWS CodePipeline',
  aws: Aws,
  noun: 'execution',
  connection: z.strictObject({ ...awsAccountFields, target: optional(word('Default pipeline, by its name')) }),
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

  /** Whoever may look at executions is answered that there is none. */
  async check({ aws, connection: { target } }) {
    const asked = { pipelineName: target ?? 'none', pipelineExecutionId: noExecution }
    const answers = ['PipelineExecutionNotFoundException']
    // What is allowed is allowed for pipelines: without one, these say at least that AWS knows who asks.
    if (target === undefined) answers.push('PipelineNotFoundException', 'AccessDeniedException')
    try {
      await aws.read(CodePipelineClient, new GetPipelineExecutionCommand(asked))
    } catch (error) {
      if (!answers.includes(awsErrorOf(error)?.name ?? '')) throw error
    }
  },

  checkStart(input) {
    checkPipeline(input)
    if (input.ref !== undefined) revisionOf(input.ref)
  },

  async start({ aws, idempotencyKey: key }, { target, ref, parameters }) {
    const variables = Object.entries(toTextParameters(parameters)).map(([name, value]) => ({ name, value }))
    const command = new StartPipelineExecutionCommand({
      name: target,
      ...(variables.length > 0 ? { variables } : {}),
      ...(ref === undefined ? {} : { sourceRevisions: [revisionOf(ref)] }),
      clientRequestToken: key,
    })
    const { pipelineExecutionId } = await aws.write(CodePipelineClient, command, ...busy)
    return runOf(aws, target, pipelineExecutionId)
  },

  async getStatus({ aws }, { id }) {
    const place = placeOf(id)
    const { pipelineExecution = {} } = await aws.read(CodePipelineClient, new GetPipelineExecutionCommand(place))
    return sightOf(pipelineExecution, await actionsOf(aws, place))
  },

  parseRunId({ id }) {
    placeOf(id)
    return { id }
  },

  async stop({ aws }, { id }) {
    try {
      // Without abandoning what is under way: that would leave it half done.
      await aws.write(CodePipelineClient, new StopPipelineExecutionCommand({ ...placeOf(id), abandon: false }), ...busy)
    } catch (error) {
      if (!stopped.includes(awsErrorOf(error)?.name ?? '')) throw error
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
      // Once whatever is busy has ended, what was before may be another execution than was meant.
      const passing = ref === undefined ? [] : busy
      const { pipelineExecutionId } = await aws.write(CodePipelineClient, command, ...passing)
      return {
        ...(await runOf(aws, target, pipelineExecutionId)),
        summary: `stage ${stage} goes back to execution ${execution}`,
      }
    },
  },
})

function checkPipeline({ target, project }: StartJob): void {
  if (project !== undefined) throw invalid('project', 'of no use, since pipelines are in no project: leave it out')
  if (!namePattern.test(target)) throw invalid('target', 'no pipeline: write its name, like shop-delivery')
}

async function runOf(aws: Client['aws'], pipeline: string, execution: string | undefined): Promise<Run> {
  const id = aws.requireField(execution, 'pipelineExecutionId')
  const page = `codesuite/codepipeline/pipelines/${pipeline}/executions/${id}/timeline`
  return { id: `${pipeline}#${id}`, url: consoleUrl(await aws.region(CodePipelineClient), page) }
}

/** An id is `shop-delivery#12345678-90ab-cdef-1234-567890abcdef`, since an execution is known in its pipeline only. */
function placeOf(id: string): { pipelineName: string; pipelineExecutionId: string } {
  const [, pipelineName, pipelineExecutionId] = /^([\w.@-]{1,100})#([0-9a-f-]{36})$/i.exec(id) ?? []
  if (pipelineName && pipelineExecutionId) return { pipelineName, pipelineExecutionId }
  throw invalid('id', 'no execution: write it like shop-delivery#12345678-90ab-cdef-1234-567890abcdef')
}

/** What a source action is to take: `Source:7f3c..` for a commit, `Source:sha256:9f86..` for an image, else a version in S3. */
function revisionOf(ref: string) {
  const [, actionName, revisionValue] = /^([\w.@-]{1,100}):(\S+)$/.exec(ref) ?? []
  if (!actionName || !revisionValue)
    throw invalid('ref', 'no revision: write the name of the source action before it, like Source:<commit>')
  return { actionName, revisionType: typeOf(revisionValue), revisionValue }
}

function typeOf(revision: string): 'COMMIT_ID' | 'IMAGE_DIGEST' | 'S3_OBJECT_VERSION_ID' {
  if (/^[0-9a-f]{40}$/i.test(revision)) return 'COMMIT_ID'
  return revision.startsWith('sha256:') ? 'IMAGE_DIGEST' : 'S3_OBJECT_VERSION_ID'
}

/** The stage that goes back. Throws Failure `invalid`. */
function stageOf({ parameters = {} }: StartJob): string {
  const where = 'input.parameters'
  return validate(rollbackParameters, parameters, { what: where, root: where }).stage
}

/** An execution to go back to, also by the id that its start has answered. Throws Failure `invalid`. */
function executionOf({ target }: StartJob, ref: string): string {
  const execution = ref.startsWith(`${target}#`) ? ref.slice(target.length + 1) : ref
  if (executionPattern.test(execution)) return execution
  throw invalid('ref', 'no execution to go back to: write its id, like 12345678-90ab-cdef-1234-567890abcdef')
}

/**
 * The newest execution that has succeeded in a stage before what is there now: what ran there last, or, where that was a
 * rollback, what it went back to. So a second rollback goes back further, and not forward to what the first one left.
 *
 * @throws Failure `refused`
 */
async function executionBefore(aws: Client['aws'], pipelineName: string, stageName: string): Promise<string> {
  const { stageStates = [] } = await aws.read(CodePipelineClient, new GetPipelineStateCommand({ name: pipelineName }))
  const stage = stageStates.find((one) => one.stageName === stageName)
  if (!stage) {
    const names = stageStates.map((one) => one.stageName).join(', ')
    throw new Failure('refused', `Pipeline ${pipelineName} has no stage ${stageName}: its stages are ${names}.`)
  }
  const { pipelineExecutionId: last = noExecution, type, status } = stage.latestExecution ?? {}
  const now = type === 'ROLLBACK' ? await targetOf(aws, { pipelineName, pipelineExecutionId: last }) : last
  const command = new ListPipelineExecutionsCommand({
    pipelineName,
    filter: { succeededInStage: { stageName } },
    maxResults: mostExecutions,
  })
  const { pipelineExecutionSummaries = [] } = await aws.read(CodePipelineClient, command)
  const succeeded = pipelineExecutionSummaries.toSorted((one, other) => timeOf(other.startTime) - timeOf(one.startTime))
  const place = succeeded.findIndex(({ pipelineExecutionId }) => pipelineExecutionId === now)
  // One that has failed there is in no such list, and all of it is from before.
  const isListed = place >= 0 || (type !== 'ROLLBACK' && status !== 'Succeeded')
  const before = succeeded.slice(place + 1).find(({ executionType }) => executionType !== 'ROLLBACK')
  if (isListed && before?.pipelineExecutionId) return before.pipelineExecutionId
  throw new Failure(
    'refused',
    `AWS CodePipeline shows no execution that has succeeded in stage ${stageName} of ${pipelineName} before what is there now, since the pipeline was last changed: name one in input.ref.`,
  )
}

/** What a rollback has gone back to. */
async function targetOf(aws: Client['aws'], place: ReturnType<typeof placeOf>): Promise<string | undefined> {
  const { pipelineExecution } = await aws.read(CodePipelineClient, new GetPipelineExecutionCommand(place))
  return pipelineExecution?.rollbackMetadata?.rollbackTargetPipelineExecutionId
}

/** Of all that an execution says, what we use. */
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

/** The newest first. */
async function actionsOf(aws: Client['aws'], place: ReturnType<typeof placeOf>): Promise<ActionExecution[]> {
  const { pipelineName, pipelineExecutionId } = place
  const command = new ListActionExecutionsCommand({
    pipelineName,
    filter: { pipelineExecutionId },
    maxResults: mostActions,
  })
  const { actionExecutionDetails: actions = [] } = await aws.read(CodePipelineClient, command)
  return actions.toSorted((one, other) => timeOf(other.startTime) - timeOf(one.startTime))
}

function timeOf(date: Date | undefined): number {
  return date?.getTime() ?? 0
}

function sightOf(
  { status: state = 'InProgress', statusSummary, artifactRevisions = [], rollbackMetadata }: Execution,
  actions: ActionExecution[],
): RunStatus {
  const failing = state === 'Failed' ? actions.find(({ status }) => status === 'Failed') : undefined
  const { errorDetails, externalExecutionSummary, externalExecutionUrl } = failing?.output?.executionResult ?? {}
  const why = [errorDetails?.code, errorDetails?.message || externalExecutionSummary].filter(Boolean).join(': ')
  const reason = [failing && `${nameOf(failing)} failed`, why || statusSummary].filter(Boolean).join(': ')
  const revision = artifactRevisions.flatMap(({ revisionId }) => revisionId ?? []).join(', ')
  const { rollbackTargetPipelineExecutionId: rolledBackTo } = rollbackMetadata ?? {}
  const metrics: Record<string, number> = actions.length === 0 ? {} : { duration: durationOf(actions) }
  return {
    state,
    progress: stepOf(actions),
    reason: clipSingleLine(reason, longestReason) || undefined,
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

function stepOf(actions: ActionExecution[]): string | undefined {
  const now = actions.filter(({ status }) => status === 'InProgress')
  const names = now.map((action) => {
    const waits = action.input?.actionTypeId?.category === 'Approval'
    return `${nameOf(action)}${waits ? ', which waits for an approval' : ''}`
  })
  return names.join('; ') || undefined
}

function nameOf({ stageName, actionName }: ActionExecution): string {
  return `action ${stageName}/${actionName}`
}

/** In seconds. */
function durationOf(actions: ActionExecution[]): number {
  const began = Math.min(...actions.map(({ startTime }) => timeOf(startTime)))
  const ended = Math.max(...actions.map(({ lastUpdateTime }) => timeOf(lastUpdateTime)))
  return Math.max(0, Math.round((ended - began) / 1_000))
}

function invalid(field: string, message: string): Failure {
  return new Failure('invalid', `input.${field} is ${message}`, { errors: [{ path: `input.${field}`, message }] })
}
