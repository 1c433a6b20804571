import { createHash } from 'node:crypto'
import { basicAuth } from '../../../shared/http/basic-auth.ts'
import { HEADERS } from '../../../shared/orchestrators/azure-devops/server-task.ts'
import { tokenHash } from '../../project/token-hash.ts'
import { type AzureTask, azureDevops as createApi, expand, newTask } from '../platforms/azure-devops.ts'
import { jsonObject, type Platform } from '../platforms/sandbox/http.ts'
import { type Engine, EngineError } from './engine.ts'
import type { Ending, EngineRun, EngineRuns } from './runs.ts'
import { pathOf } from './step.ts'
import { readTaskStatus } from './task-status.ts'

const name = 'azure-devops'

/**
 * Simulates a check "Invoke REST API" with the completion event Callback. Azure DevOps calls once: a call that is refused or gets no
 * response fails the check.
 *
 * @see https://learn.microsoft.com/en-us/azure/devops/pipelines/process/invoke-checks
 */
export const azureDevops: Engine = {
  name,
  title: 'Azure DevOps',
  summary: 'A check sends the ids and the access token of its job, and gets a TaskCompleted event.',

  secrets: ({ root, credential }) => ({
    callers: { [name]: { tokens: [tokenHash(credential('token'))], categories: ['*'], orchestrator: name } },
    orchestrators: { [name]: { type: name, collections: [`${root}/contoso/`] } },
  }),

  platform,

  async run(run, client) {
    const { data, input } = run.step
    const headers = expand(JSON.stringify({ 'Content-Type': 'application/json', ...HEADERS }), taskOf(run), client.root)
    const { status, body } = await client.send({
      path: pathOf(run.step, { mode: 'interactive' }),
      headers: { ...JSON.parse(headers), authorization: basicAuth(name, client.credential('token')) },
      body: JSON.stringify({ data, input }),
    })
    const { message } = readTaskStatus(body)
    if (status !== 200 && status !== 202) throw new EngineError(`The check failed: ${status} ${message || body}`)
    return client.ending()
  },
}

/** The plan of a run has its id. Its logs are lost with the process. */
function platform(runs: EngineRuns): Platform {
  const tasks = new Map<string, AzureTask>()
  const find = (plan: string) => {
    const run = runs.get(plan)
    if (run?.engine !== name) return undefined
    const task = tasks.get(plan) ?? taskOf(run)
    tasks.set(plan, task)
    return Object.assign(task, stateOf(run))
  }
  return createApi({
    find,
    onCompleted: (task) => void runs.end(task.plan, endingOf(task)),
    onAnswer(operation, plan, { body }, { status }) {
      if (runs.get(plan) === undefined) return
      const { name: event, result } = jsonObject(body) ?? {}
      const what = operation === 'Post Event' ? [event, result].filter(Boolean).join(' ') : operation
      runs.record(plan, { direction: 'answer', what, status, body })
    },
  })
}

function taskOf(run: Pick<EngineRun, 'id' | 'secret'>): AzureTask {
  const seed = (part: string) => createHash('sha256').update(`${part} ${run.id}`).digest('hex')
  return newTask(seed, { plan: run.id, token: run.secret })
}

function stateOf({ isGone, ending }: EngineRun): Partial<AzureTask> {
  if (ending) return { state: 'completed', result: isFailure(ending) ? 'failed' : 'succeeded' }
  return isGone ? { state: 'canceled' } : {}
}

function isFailure({ verdict }: Ending): boolean {
  return verdict !== 'pass' && verdict !== 'warning'
}

/** People read the message in the timeline, or in the log if all went well. */
function endingOf({ result, issues: [issue], logs }: AzureTask): Ending {
  const [, inLog = ''] = logs.at(-1)?.split('\n') ?? []
  const verdict = result === 'failed' ? 'fail' : issue ? 'warning' : 'pass'
  return { verdict, message: issue?.message ?? inLog }
}
