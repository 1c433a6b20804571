import { CodePipelineClient } from '@aws-sdk/client-codepipeline'
import { consoleUrl } from '../../shared/aws/console.ts'
import { invalidInput } from '../../shared/errors.ts'
import type { Run, StartJob } from '../../shared/providers/job.ts'
import type { Client } from '../../shared/providers/provider.ts'

export const PIPELINE_NAME = /^[\w.@-]{1,100}$/
export const UNKNOWN_EXECUTION = '00000000-0000-0000-0000-000000000000'
/** Another execution is in the way, or too many are running. Transient: they will end. */
export const BUSY = ['ConflictException', 'ConcurrentPipelineExecutionsLimitExceededException']

export function checkPipeline({ target, project }: StartJob): void {
  if (project !== undefined)
    throw invalidInput('input.project', 'is not supported: pipelines do not belong to a project')
  if (!PIPELINE_NAME.test(target)) throw invalidInput('input.target', 'must be a pipeline name such as shop-delivery')
}

export async function runOf(aws: Client['aws'], pipeline: string, execution: string | undefined): Promise<Run> {
  const id = aws.requireField(execution, 'pipelineExecutionId')
  const page = `codesuite/codepipeline/pipelines/${pipeline}/executions/${id}/timeline`
  return { id: `${pipeline}#${id}`, url: consoleUrl(await aws.region(CodePipelineClient), page) }
}

/** Executions are identified within their pipeline, so an id is `shop-delivery#12345678-90ab-cdef-1234-567890abcdef`. */
export function parseId(id: string): { pipelineName: string; pipelineExecutionId: string } {
  const [, pipelineName, pipelineExecutionId] = /^([\w.@-]{1,100})#([0-9a-f-]{36})$/i.exec(id) ?? []
  if (pipelineName && pipelineExecutionId) return { pipelineName, pipelineExecutionId }
  throw invalidInput('input.id', 'must be an execution id such as shop-delivery#12345678-90ab-cdef-1234-567890abcdef')
}
