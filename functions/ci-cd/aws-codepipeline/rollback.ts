import {
  CodePipelineClient,
  GetPipelineExecutionCommand,
  GetPipelineStateCommand,
  ListPipelineExecutionsCommand,
  RollbackStageCommand,
} from '@aws-sdk/client-codepipeline'
import * as z from 'zod/mini'
import { invalidInput, refused } from '../../../shared/errors.ts'
import { withDescription } from '../../../shared/fields.ts'
import type { StartJob } from '../../../shared/providers/job.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { validate } from '../../../shared/validate.ts'
import { BUSY, checkPipeline, type ExecutionId, linkTo, PIPELINE_NAME, UNKNOWN_EXECUTION } from './execution.ts'
import { timeOf } from './status.ts'

const EXECUTION_ID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

const rollbackParameters = z.strictObject({
  stage: withDescription(z.string().check(z.regex(PIPELINE_NAME)), 'Stage to roll back'),
})

const MAX_EXECUTIONS = 100

/** Rolls a stage back. A rollback is an execution, too, but cannot carry an idempotency key. */
export const rollback = {
  checkStart(input: StartJob): void {
    checkPipeline(input)
    stageOf(input)
    if (input.ref !== undefined) executionOf(input, input.ref)
  },

  async start({ aws }: Client, input: StartJob) {
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
    const id = aws.requireField(pipelineExecutionId, 'pipelineExecutionId')
    return {
      id: `${target}#${id}`,
      url: await linkTo(aws, { pipelineName: target, pipelineExecutionId: id }),
      summary: `stage ${stage} rolls back to execution ${execution}`,
    }
  },
}

/** Returns the stage to roll back. Throws Failure `invalid`. */
function stageOf({ parameters = {} }: StartJob): string {
  const path = 'input.parameters'
  return validate(rollbackParameters, parameters, { what: path, root: path, isNullUnset: true }).stage
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
  const pipeline = await aws.read(CodePipelineClient, new GetPipelineStateCommand({ name: pipelineName }))
  const stageStates = aws.requireField(pipeline.stageStates, 'stageStates')
  const stage = stageStates.find((state) => state.stageName === stageName)
  if (!stage) {
    const names = stageStates.map((state) => state.stageName).join(', ')
    throw refused(`Pipeline ${pipelineName} has no stage ${stageName}. Its stages: ${names}.`)
  }
  const { pipelineExecutionId: last = UNKNOWN_EXECUTION, type, status } = stage.latestExecution ?? {}
  const current = type === 'ROLLBACK' ? await targetOf(aws, { pipelineName, pipelineExecutionId: last }) : last
  const command = new ListPipelineExecutionsCommand({
    pipelineName,
    filter: { succeededInStage: { stageName } },
    maxResults: MAX_EXECUTIONS,
  })
  const { pipelineExecutionSummaries } = await aws.read(CodePipelineClient, command)
  const executions = aws.requireField(pipelineExecutionSummaries, 'pipelineExecutionSummaries')
  const succeeded = executions.toSorted((one, other) => timeOf(other.startTime) - timeOf(one.startTime))
  const position = succeeded.findIndex(({ pipelineExecutionId }) => pipelineExecutionId === current)
  // The list does not contain an execution that failed in the stage. All executions in the list precede it.
  const isListed = position >= 0 || (type !== 'ROLLBACK' && status !== 'Succeeded')
  const before = succeeded.slice(position + 1).find(({ executionType }) => executionType !== 'ROLLBACK')
  if (isListed && before?.pipelineExecutionId) return before.pipelineExecutionId
  throw refused(
    `AWS CodePipeline has no earlier execution that succeeded in stage ${stageName} of ${pipelineName} since the pipeline was last changed. Set input.ref to an execution.`,
  )
}

/** Returns the target of a rollback. */
async function targetOf(aws: Client['aws'], execution: ExecutionId): Promise<string | undefined> {
  const { pipelineExecution } = await aws.read(CodePipelineClient, new GetPipelineExecutionCommand(execution))
  return pipelineExecution?.rollbackMetadata?.rollbackTargetPipelineExecutionId
}
