import type { LambdaClient } from '@aws-sdk/client-lambda'
import { kindOf, messageOf } from '../../../shared/errors.ts'
import { isInForce, type Stop } from '../../../shared/policy/kinds/stop.ts'
import { NoAwsError } from '../../aws/aws-errors.ts'
import { describeScope, type OperateStops, stopsOfRuntime, stopsOfStack } from '../../local/operator/operate-stops.ts'
import { readRuntimeFile } from '../../local/runtime-file.ts'
import { stateFolder } from '../receiver/receiver.ts'
import { ageOf } from '../terminal/output.ts'
import { type Finding, noteFinding, okFinding, wrongFinding } from './finding.ts'

const DAY_MS = 86_400_000

/** Finds stops that may no longer be needed in the local runtime, if it runs. */
export async function localStops(): Promise<Finding[]> {
  const runtime = readRuntimeFile(stateFolder())
  return runtime ? stopFindings(stopsOfRuntime(runtime.aws), '') : []
}

/** Finds stops that may no longer be needed in a stack. */
export function stackStops(lambda: LambdaClient, stack: string): Promise<Finding[]> {
  return stopFindings(stopsOfStack(lambda, stack), ` --stack ${stack}`)
}

async function stopFindings(operate: OperateStops, option: string): Promise<Finding[]> {
  try {
    const { stops } = await operate({ operation: 'list' })
    if (stops.length === 0) return [okFinding('stops', 'none')]
    return stops.map((stop) => findingOf(stop, option, Date.now()))
  } catch (error) {
    // `identity` and `stack` report this already.
    if (error instanceof NoAwsError || kindOf(error) === 'invalid') return []
    return [noteFinding('stops', `not checked: ${messageOf(error)}`, 'Allow the permissions in webhooks stop --help.')]
  }
}

/** Returns what is wrong with a stop. */
export function findingOf(stop: Stop, option: string, now: number): Finding {
  const what = `stop ${stop.id}`
  const found = `${describeScope(stop)}, by ${stop.by} (${stop.reason})`
  const resume = `npx webhooks resume ${stop.id}${option}`
  if (stop.id === 'unverified')
    return wrongFinding(what, found, `Find out who has changed the state table. Then run ${resume}.`)
  if (!isInForce(stop, now)) return noteFinding(what, `has ended by itself: ${found}`, `Remove it: ${resume}`)
  const age = now - stop.at
  if (age < DAY_MS) return okFinding(what, found)
  return noteFinding(what, `in force for ${ageOf(age)}: ${found}`, `If it is no longer needed, lift it: ${resume}`)
}
