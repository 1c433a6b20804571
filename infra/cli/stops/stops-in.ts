import { LambdaClient } from '@aws-sdk/client-lambda'
import { type OperateStops, stopsOfRuntime, stopsOfStack } from '../../local/operator/operate-stops.ts'
import { type RuntimeFile, readRuntimeFile } from '../../local/runtime-file.ts'
import { UsageError } from '../../project/usage-error.ts'
import { stateFolder } from '../receiver/receiver.ts'

/** @throws UsageError if no local runtime runs */
export function runningRuntime(): RuntimeFile {
  const runtime = readRuntimeFile(stateFolder())
  if (!runtime) throw new UsageError('The local runtime does not run. Start it with npm start, or pass --stack.')
  return runtime
}

/**
 * Returns what acts on the stops of a stack, or of the local runtime.
 *
 * @throws UsageError if no local runtime runs
 */
export function stopsIn(stack: string | undefined): OperateStops {
  return stack === undefined ? stopsOfRuntime(runningRuntime().aws) : stopsOfStack(new LambdaClient(), stack)
}
