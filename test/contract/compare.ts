import { type Contract, type Operation, type Part, readContract } from '../../infra/openapi/contract.ts'
import { messageOf } from '../../shared/errors.ts'
import { Checker, type Sent } from './check.ts'
import { extraOperations } from './extra-operations.ts'
import { byPath } from './match.ts'
import { operationsOf } from './operations.ts'
import type { RecordedExchange } from './recording.ts'
import type { Subject } from './subjects.ts'

/** The comparison of an exchange with a contract. */
export interface Comparison {
  /** Undefined for an operation outside the contract. */
  operation: string | undefined
  violations: string[]
}

/** AWS names the type of an error, and its message, in either case. */
const awsError = /answer 4\d\d\.(?:__type|[Mm]essage) is not/

type Compared = Omit<RecordedExchange, 'test'>

/** Returns a function that compares exchanges with the contract of a subject and the operations beyond it. */
export function comparer(document: Part, subject: Subject): (exchange: Compared) => Comparison {
  const { under = '', path: toContract = (path) => path, known = /^$/ } = subject
  const contract = withExtras(readContract(document, under), subject)
  const match = byPath(contract.operations)
  const checker = new Checker(contract)
  return (exchange) => {
    const sent = sentIn(exchange, toContract)
    const found = match(sent)
    // A fake platform refuses what it does not know, such as an invalid id. Only its response is compared then.
    const isRefused = exchange.status >= 400 && !exchange.isInjected
    if ('unknown' in found) return { operation: undefined, violations: isRefused ? [] : [found.unknown] }
    const { operation, path } = found
    try {
      const violations = [
        ...(isRefused ? [] : checker.request(operation, sent, path)),
        ...responseViolations(checker, operation, exchange),
      ]
      const isUnknown = (violation: string) =>
        !known.test(`${operation.name}: ${violation}`) && !awsError.test(violation)
      return { operation: operation.name, violations: violations.filter(isUnknown) }
    } catch (error) {
      return { operation: operation.name, violations: [`cannot be checked: ${messageOf(error)}`] }
    }
  }
}

function withExtras(read: Contract, { contract, under, documents = [], credentials }: Subject): Contract {
  const operations = operationsOf(read, extraOperations[contract] ?? [], under).map((operation) => ({
    ...(documents.includes(operation.name) ? withAnyBody(operation) : operation),
    ...(credentials ? { credentials } : {}),
  }))
  return { ...read, operations }
}

function withAnyBody(operation: Operation): Operation {
  const { body, responses } = operation
  const content = Object.keys(body?.content ?? {}).map((type) => [type, { schema: true, examples: [] }])
  return {
    ...operation,
    body: body && { ...body, content: Object.fromEntries(content) },
    responses: responses.map((response) => ({ ...response, schema: undefined })),
  }
}

function sentIn({ method, path, query, headers, body }: Compared, toContract: (path: string) => string): Sent {
  return {
    method,
    path: toContract(path),
    query: new URLSearchParams(query),
    body,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value?.toString()])),
  }
}

/** Checks the response of a fake platform, if the contract describes it as JSON. */
function responseViolations(
  checker: Checker,
  operation: Operation,
  { status, response, isInjected }: Compared,
): string[] {
  const { responses } = operation
  if (isInjected || responses.length === 0) return []
  const described = responses.find((one) => one.status === status)
  if (!described) return status < 400 ? [`the contract has no response ${status}`] : []
  const body = parsed(response)
  return body === undefined ? [] : checker.response(described, body)
}

/** Returns the JSON of a body, or undefined for another text. */
function parsed(body: unknown): unknown {
  if (typeof body !== 'string') return body
  return /^\s*[[{]/.test(body) ? JSON.parse(body) : undefined
}
