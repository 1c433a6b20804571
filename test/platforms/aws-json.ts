import {
  awsOperation,
  type Call,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'
import { deniedMessage, signatureProblem } from './aws-signature.ts'

type Input = Record<string, unknown>

/** A service that uses the AWS JSON protocol. */
interface JsonService {
  /** The name in signatures. */
  service: string
  /** The prefix of IAM actions. Defaults to the service. */
  actions?: string
  target: string
  version: '1.0' | '1.1'
  /** Operations that the role of the caller does not allow. Tests change it. */
  state: { denied: string[] }
  operations: Record<string, (input: Input) => Reply>
}

export interface JsonServer extends Served {
  /** Returns the requested operations in order. */
  operations(): string[]
}

/**
 * Fakes an AWS service that uses one path for all operations. Requests must be signed and name the operation.
 *
 * @see https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
 */
export async function serveJson(json: JsonService): Promise<JsonServer> {
  const served = await serve((call) => {
    const { body, ...reply } = answer(json, call)
    return { ...reply, body, headers: { 'content-type': `application/x-amz-json-${json.version}` } }
  })
  return { ...served, operations: () => served.calls.map((call) => awsOperation(call) ?? '') }
}

function answer({ service, actions = service, target, version, state, operations }: JsonService, call: Call): Reply {
  const problem = signatureProblem(call, service)
  if (problem) return awsError(`com.amazon.coral.service#${problem.type}`, problem.message)
  const { method, path, headers, body } = call
  const operation = awsOperation(call) ?? ''
  const run = operations[operation]
  if (!run || method !== 'POST' || path !== '/' || headers['x-amz-target'] !== `${target}.${operation}`)
    return awsError('com.amazon.coral.service#UnknownOperationException')
  if (headers['content-type'] !== `application/x-amz-json-${version}`)
    return awsError('com.amazon.coral.service#SerializationException')
  return state.denied.includes(operation) ? denied(`${actions}:${operation}`, body as Input) : run(body as Input)
}

/** A refusal by AWS. */
export function awsError(type: string, message?: string, status = 400): Reply {
  return { status, body: { __type: type, ...(message === undefined ? {} : { message }) } }
}

/** The refusal of a role that lacks a permission. IAM writes `Message` with a capital. */
function denied(action: string, input: Input): Reply {
  const resource = Object.entries(input).find(([name]) => /^(?!Role).*Arn$/i.test(name))?.[1]
  const Message = deniedMessage(action, resource)
  return { status: 400, body: { __type: 'com.amazon.coral.service#AccessDeniedException', Message } }
}
