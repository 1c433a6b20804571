import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import type { StopsReply, StopsRequest, StopsResult } from '../../../shared/core/operate-stops.ts'
import { Failure, refused } from '../../../shared/errors.ts'
import type { Stop } from '../../../shared/policy/kinds/stop.ts'
import { explainAws } from '../../aws/aws-errors.ts'
import { functionsOf } from '../../aws/running-tasks.ts'
import { stops as LOCAL_FUNCTION } from '../../build/files.ts'
import type { RuntimeFile } from '../runtime-file.ts'
import { nameOf, operatorOf } from './identity.ts'

/** Sets, lifts or lists stops. The place adds the operator. */
export type OperateStops = (request: Distribute<StopsRequest>) => Promise<StopsResult>

type Distribute<Request> = Request extends StopsRequest ? Omit<Request, 'by' | 'operator'> : never

/** Returns what acts on the stops of a local runtime, whose operators have no identity. */
export function stopsOfRuntime({
  endpoint,
  accessKeyId,
  secretAccessKey,
}: Omit<RuntimeFile['aws'], 'dynamodb'>): OperateStops {
  const lambda = new LambdaClient({ endpoint, region: 'local', credentials: { accessKeyId, secretAccessKey } })
  return (request) => invoke(lambda, LOCAL_FUNCTION, withOperator(request, undefined))
}

/**
 * Returns what acts on the stops of a deployed stack, with the AWS credentials of the operator.
 *
 * @throws by the result: Failure `invalid` if the stack has no such function, `refused` with the reason; Error of AWS with its reason
 */
export function stopsOfStack(lambda: LambdaClient, stack: string): OperateStops {
  return async (request) => {
    try {
      const operator = request.operation === 'list' ? undefined : await operatorOf(lambda)
      for await (const { arn } of functionsOf(lambda, stack, ['stops']))
        return await invoke(lambda, arn, withOperator(request, operator))
    } catch (error) {
      throw error instanceof Failure ? error : explainAws(error, NAMES[request.operation])
    }
    throw new Failure(
      'invalid',
      `The stack ${stack} has no function for stops. Check the name, the region and the account, and deploy this version.`,
    )
  }
}

/** The operations, each as the subject of a sentence. */
const NAMES = { list: 'Reading the stops', stop: 'Setting the stop', resume: 'Lifting the stop' }

function withOperator(request: Distribute<StopsRequest>, operator: string | undefined): StopsRequest {
  return request.operation === 'list' ? request : { ...request, by: nameOf(operator), operator }
}

async function invoke(lambda: LambdaClient, FunctionName: string, request: StopsRequest): Promise<StopsResult> {
  const { Payload, FunctionError } = await lambda.send(
    new InvokeCommand({ FunctionName, Payload: JSON.stringify(request) }),
  )
  const text = Payload?.transformToString() ?? ''
  if (FunctionError !== undefined) throw refused(`The function for stops failed, see its log: ${text}`)
  const reply: StopsReply = JSON.parse(text)
  if ('refusal' in reply) throw refused(reply.refusal)
  return reply
}

/** Describes what a stop matches: `ci-cd/* of prod-*, except ci-cd/rollback`. */
export function describeScope({
  actions,
  except = [],
  connections,
  callers,
}: Omit<Stop, 'id' | 'reason' | 'by' | 'at'>): string {
  const scope = [
    actions?.join(', ') ?? 'everything',
    connections && `of ${connections.join(', ')}`,
    callers && `called by ${callers.join(', ')}`,
  ]
  const text = scope.filter(Boolean).join(' ')
  return except.length === 0 ? text : `${text}, except ${except.join(', ')}`
}
