import { awsVariables } from '../cloud/index.ts'
import { STACK } from '../functions.ts'
import type { RuntimeFile } from '../runtime-file.ts'
import { type OperatorRequest, operate } from './operate.ts'

/**
 * Changes a task of a local runtime, of any caller. The operator has no identity: a user who can read the credentials of its AWS
 * is one.
 *
 * @throws Failure `refused` with the reason
 */
export function operateOnRuntime(
  { endpoint: lambda, dynamodb, ...credentials }: RuntimeFile['aws'],
  task: Pick<OperatorRequest, 'category' | 'taskId' | 'operation'>,
): Promise<object> {
  return operate({ stack: STACK, operator: undefined, ...task }, awsVariables({ lambda, dynamodb }, credentials))
}
