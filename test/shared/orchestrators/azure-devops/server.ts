import { createHash } from 'node:crypto'
import { type AzureTask, azureDevops, expand, newTask } from '../../../../infra/sandbox/platforms/azure-devops.ts'
import type { Served } from '../../../../infra/testing/loopback-server.ts'
import { HEADERS } from '../../../../shared/orchestrators/azure-devops/server-task.ts'
import { servePlatform } from '../../../platforms/serve-platform.ts'

export const PERSONAL_TOKEN = 'pat-of-a-robot-f3b1c0ffee'

/** An organization of Azure DevOps, with one task that waits. */
export interface AzureServer extends Served {
  /** URL of the organization. */
  collection: string
  task: AzureTask
  /** Whether the task has completed more than once. */
  completions: number
  refusesRepeats: boolean
  /** The headers of the call of the task. */
  headers(): Record<string, string>
  /** Starts with a new task. */
  reset(values?: Partial<AzureTask>): void
}

export async function startAzureDevops(): Promise<AzureServer> {
  let tasks = 0
  const create = (values: Partial<AzureTask> = {}) => {
    const seed = `task ${++tasks}`
    return newTask((part) => createHash('sha256').update(`${seed} ${part}`).digest('hex'), values)
  }
  const served = await servePlatform(
    azureDevops({
      find: (plan) => (server.task.plan === plan ? server.task : undefined),
      personalToken: PERSONAL_TOKEN,
      refusesRepeats: () => server.refusesRepeats,
      onCompleted: () => server.completions++,
    }),
  )
  const server: AzureServer = {
    ...served,
    collection: `${served.url}/contoso/`,
    task: create(),
    completions: 0,
    refusesRepeats: false,
    headers: () => JSON.parse(expand(JSON.stringify(HEADERS), server.task, served.url)),
    reset(values) {
      Object.assign(server, { task: create(values), completions: 0, refusesRepeats: false })
      served.calls.splice(0)
      served.recover()
    },
  }
  return server
}
