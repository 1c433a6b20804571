import { readIdentityKey } from '../../auth/identity-key.ts'
import { Failure } from '../../errors.ts'
import { nextGateRun, readGateRun } from '../../state/gate-runs.ts'
import type { Call, GateOptions } from '../call.ts'
import { identifyFollowing } from '../call-id.ts'
import { readTask } from './status.ts'
import type { TaskStatus } from './task-status.ts'
import { startedStatus } from './task-status.ts'

/**
 * Returns the status of the task behind a gate. Starts the task with the first call, and a new one after the outcome of the
 * last one was held long enough.
 *
 * An inverted gate only looks: its engine may ask it before the other gate of its key, to find out whether to roll back.
 *
 * @param start starts the task of a call
 * @returns undefined if the gate is inverted, and no task runs or has an outcome that is held
 * @throws Failure `misconfigured`, `unavailable`
 */
export async function runGate(
  call: Call,
  { hold, invert }: GateOptions,
  start: (call: Call) => Promise<unknown>,
): Promise<TaskStatus | undefined> {
  const { id: gateId, category } = call
  if (gateId === undefined) throw new Error('A gate has a key.')
  for (let run = await readGateRun(category, gateId); ; run = await nextGateRun(category, gateId, run)) {
    const id = await taskIdOf(gateId, run)
    const status = await statusOf(category, id)
    if (!status) {
      if (invert !== 'false') return undefined
      await start({ ...call, id })
      // Lambda may not list an execution right after its start.
      return startedStatus(call, id, Date.now())
    }
    const { endedAt } = status
    if (status.state === 'running' || endedAt === undefined) return status
    if (Date.now() - Date.parse(endedAt) < hold * 1_000) return status
    if (invert !== 'false') return undefined
  }
}

/** Returns the id of the newest task of a gate. */
export async function newestTaskOf(category: string, gateId: string): Promise<string> {
  return taskIdOf(gateId, await readGateRun(category, gateId))
}

/** The first task has the id of the gate. */
async function taskIdOf(gateId: string, run: number): Promise<string> {
  return run === 0 ? gateId : identifyFollowing(gateId, `gate ${run}`, await readIdentityKey())
}

async function statusOf(category: string, id: string): Promise<TaskStatus | undefined> {
  try {
    return (await readTask(category, id)).status
  } catch (error) {
    if (error instanceof Failure && error.kind === 'unknown') return undefined
    throw error
  }
}
