import { definePlatform, type PlatformDefinition } from '../../infra/testing/define-platform.ts'
import { awsOperation, type Reply, type Served } from '../../infra/testing/loopback-server.ts'
import { deniedMessage, signatureProblem } from './aws-signature.ts'

interface JsonState {
  /** Operations that the role of the caller does not allow. */
  denied: string[]
}

/** A service that uses the AWS JSON protocol. Its routes are operations, such as `CreateOpsItem`. */
interface JsonService<Args extends unknown[], State extends JsonState, Operation extends string, Members>
  extends Pick<PlatformDefinition<Args, State, Operation, Members>, 'state' | 'routes' | 'members'> {
  /** The name in signatures. */
  service: string
  /** The prefix of IAM actions. Defaults to the service. */
  actions?: string
  target: string
  version: '1.0' | '1.1'
}

interface JsonServer extends Served {
  /** Returns the requested operations in order. */
  operations(): string[]
}

/**
 * Defines a fake of an AWS service that uses one path for all operations. Requests must be signed and name the operation.
 *
 * @see https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
 */
export function defineJsonService<
  Args extends unknown[],
  State extends JsonState,
  Operation extends string,
  Members = unknown,
>(
  definition: JsonService<Args, State, Operation, Members>,
): (...args: Args) => Promise<JsonServer & Members & { state: State }> {
  const { service, actions = service, target, version, state, routes, members } = definition
  const contentType = `application/x-amz-json-${version}`
  return definePlatform({
    state,
    headers: { 'content-type': contentType },
    refuses(call, { denied }) {
      const problem = signatureProblem(call, service)
      if (problem) return awsError(`com.amazon.coral.service#${problem.type}`, problem.message)
      if (call.headers['content-type'] !== contentType)
        return awsError('com.amazon.coral.service#SerializationException')
      const operation = awsOperation(call) ?? ''
      return denied.includes(operation) ? accessDenied(`${actions}:${operation}`, call.body) : undefined
    },
    operation(call) {
      const operation = awsOperation(call)
      const isKnown = call.method === 'POST' && call.headers['x-amz-target'] === `${target}.${operation}`
      return isKnown && call.path === '/' ? operation : undefined
    },
    routes,
    notFound: awsError('com.amazon.coral.service#UnknownOperationException'),
    members: (state, server) =>
      Object.assign(
        { operations: () => server.calls.map((call) => awsOperation(call) ?? '') },
        members?.(state, server) as Members,
      ),
  })
}

/** Returns a refusal by AWS. */
export function awsError(type: string, message?: string, status = 400): Reply {
  return { status, body: { __type: type, ...(message === undefined ? {} : { message }) } }
}

/** Returns the refusal of a role that lacks a permission. IAM writes `Message` with a capital. */
function accessDenied(action: string, input: unknown): Reply {
  const resource = Object.entries(input ?? {}).find(([name]) => /^(?!Role).*Arn$/i.test(name))?.[1]
  const Message = deniedMessage(action, resource)
  return { status: 400, body: { __type: 'com.amazon.coral.service#AccessDeniedException', Message } }
}
