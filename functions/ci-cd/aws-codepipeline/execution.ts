import { CodePipelineClient } from '@aws-sdk/client-codepipeline'
import { consoleUrl } from '../../../shared/aws/console.ts'
import { invalidInput } from '../../../shared/errors.ts'
import type { StartJob } from '../../../shared/providers/job.ts'
import type { Client } from '../../../shared/providers/provider.ts'

export const PIPELINE_NAME = /^[\w.@-]{1,100}$/
export const UNKNOWN_EXECUTION = '00000000-0000-0000-0000-000000000000'
/** Another execution is in the way, or too many are running. Transient: they will end. */
export const BUSY = ['ConflictException', 'ConcurrentPipelineExecutionsLimitExceededException']

export function checkPipeline({ target, project }: StartJob): void {
  if (project !== undefined)
    throw invalidInput('input.project', 'is not supported: pipelines do not belong to a project')
  if (!PIPELINE_NAME.test(target)) throw invalidInput('input.target', 'must be a pipeline name such as shop-delivery')
}

/** Executions are identified within their pipeline. */
export interface ExecutionId {
  pipelineName: string
  pipelineExecutionId: string
}

export async function linkTo(aws: Client['aws'], { pipelineName, pipelineExecutionId }: ExecutionId): Promise<string> {
  const page = `codesuite/codepipeline/pipelines/${pipelineName}/executions/${pipelineExecutionId}/timeline`
  return consoleUrl(await aws.region(CodePipelineClient), page)
}
