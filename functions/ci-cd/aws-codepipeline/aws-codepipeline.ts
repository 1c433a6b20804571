import {
  CodePipelineClient,
  GetPipelineExecutionCommand,
  StartPipelineExecutionCommand,
  StopPipelineExecutionCommand,
} from '@aws-sdk/client-codepipeline'
import * as z from 'zod/mini'
import { Aws, awsAccountFields } from '../../../shared/aws/aws.ts'
import { awsErrorOf } from '../../../shared/aws/failure.ts'
import { invalidInput } from '../../../shared/errors.ts'
import { optional, word } from '../../../shared/fields.ts'
import { defineJob } from '../../../shared/providers/define-job.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { BUSY, checkPipeline, type ExecutionId, linkTo, UNKNOWN_EXECUTION } from './execution.ts'
import { rollback } from './rollback.ts'
import { actionsOf, statusOf } from './status.ts'

/**
 * AWS CodePipeline: runs a pipeline. The idempotency key is the client token. A rollback of a stage is an execution, too, but
 * cannot carry a key.
 *
 * @see https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_StartPipelineExecution.html
 * @see https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_RollbackStage.html
 * @see https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works.html
 */
export const awsCodePipeline = defineJob({
  title: 'AWS CodePipeline',
  aws: Aws,
  noun: 'execution',
  notifiedBy: { type: 'eventbridge', wakeId: ({ id }) => id },
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
  stopping: ['Stopping'],
  hasIdempotentStart: true,
  runId: {
    pattern: /^[\w.@-]{1,100}#[0-9a-f-]{36}$/i,
    description: 'an execution id such as shop-delivery#12345678-90ab-cdef-1234-567890abcdef',
    within: 'target',
  },
  async identify(execution: ExecutionId, { aws }) {
    return { id: execution.pipelineExecutionId, url: await linkTo(aws, execution) }
  },

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
    return {
      pipelineName: target,
      pipelineExecutionId: aws.requireField(pipelineExecutionId, 'pipelineExecutionId'),
    }
  },

  async getStatus({ aws }, { parent: pipelineName, localId: pipelineExecutionId }) {
    const execution = { pipelineName, pipelineExecutionId }
    const { pipelineExecution } = await aws.read(CodePipelineClient, new GetPipelineExecutionCommand(execution))
    const state = aws.requireField(pipelineExecution?.status, 'pipelineExecution.status')
    return statusOf(state, pipelineExecution, await actionsOf(aws, execution))
  },

  async stop({ aws }, { parent: pipelineName, localId: pipelineExecutionId }) {
    // Abandoning running actions would leave them half done.
    const command = new StopPipelineExecutionCommand({ pipelineName, pipelineExecutionId, abandon: false })
    await aws.write(CodePipelineClient, command, ...BUSY)
  },

  rollback,
})

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
