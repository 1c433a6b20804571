import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Contract, Operation } from '../../infra/openapi/contract.ts'
import { messageOf } from '../../shared/errors.ts'
import { Checker, type Sent } from './check.ts'
import { byPath, type Matcher } from './match.ts'

/** How an operation is answered, where not with the first example of its first 2xx; an empty one says: as ever. */
export interface Answer {
  status?: number
  /** The name of one of the contract's examples. */
  example?: string
  /** Another body, or what is to be changed of the example. */
  body?: unknown | ((example: never) => unknown)
  /** Response headers, such as Location. */
  headers?: Record<string, string>
}

/** Operation, by its name -> answers. */
export type Answers = Record<string, Answer>

/** Serializes a response that is not JSON. */
export type Write = (operation: string, status: number, body: unknown) => string

interface Handed {
  status: number
  body: unknown
  headers?: Record<string, string>
  operation?: string
}

/** A request that came in, and what the contract says to it. */
interface Handled {
  request: string
  /** Undefined for an operation outside the contract. */
  operation: string | undefined
  violations: string[]
}

/** A platform that behaves as its contract specifies. */
export interface PlayedPlatform {
  url: string
  handled: Handled[]
  /** The next calls of an operation are answered like this, one after the other. */
  answerNext(operation: string, answers: Answer[]): void
  /** Returns and removes the operations with unused responses. */
  takeUnfetched(): string[]
  close(): Promise<void>
}

/**
 * Serves a contract on a free loopback port. Checks each request against the contract, and always responds with
 * the contract's example all the same, so that one run shows everything that is wrong.
 *
 * @param standing how operations are answered whose example is not enough
 * @param write writes an answer that is not JSON
 */
export async function playContract(
  contract: Contract,
  standing: Answers = {},
  { match = byPath(contract.operations), write }: { match?: Matcher; write?: Write | undefined } = {},
): Promise<PlayedPlatform> {
  const checker = new Checker(contract)
  const handled: Handled[] = []
  const queued = new Map<string, Answer[]>()
  const known = (name: string) => {
    if (contract.operations.some((operation) => operation.name === name)) return
    throw new Error(`The contract of ${contract.title} has no ${name} that could be answered`)
  }
  Object.keys(standing).forEach(known)

  const handle = (sent: Sent): Handed => {
    const request = `${sent.method} ${sent.path}`
    try {
      return handleKnown(sent, request)
    } catch (error) {
      handled.push({ request, operation: undefined, violations: [`cannot be checked: ${messageOf(error)}`] })
      return { status: 500, body: { message: messageOf(error) } }
    }
  }
  const handleKnown = (sent: Sent, request: string) => {
    const found = match(sent)
    if ('unknown' in found) {
      handled.push({ request, operation: undefined, violations: [found.unknown] })
      return { status: 501, body: { message: found.unknown } }
    }
    const { operation, path } = found
    const violations = checker.request(operation, sent, path)
    const next = queued.get(operation.name)?.shift() ?? {}
    const answer = Object.keys(next).length > 0 ? next : (standing[operation.name] ?? {})
    const { status, body, wrong } = answerOf(checker, operation, answer)
    handled.push({ request, operation: operation.name, violations: [...violations, ...wrong] })
    return { status, body, headers: answer.headers ?? {}, operation: operation.name }
  }
  const server = createServer((request, response) => {
    void read(request).then((sent) => {
      const { status, body, headers = {}, operation } = handle(sent)
      const empty = body === undefined || status === 204
      const written = operation === undefined ? undefined : write?.(operation, status, body)
      const type = written === undefined ? 'application/json' : 'application/xml'
      response.writeHead(status, { ...(empty ? {} : { 'content-type': type }), ...headers })
      response.end(empty ? undefined : (written ?? JSON.stringify(body)))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    handled,
    answerNext(operation, answers) {
      known(operation)
      queued.set(operation, [...answers])
    },
    takeUnfetched() {
      const left = [...queued].filter(([, answers]) => answers.length > 0).map(([operation]) => operation)
      queued.clear()
      return left
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Checks the examples that a test changes. The vendors' own examples are not always valid. */
function answerOf(checker: Checker, operation: Operation, { status, example, body }: Answer) {
  const response = operation.responses.find((one) =>
    status === undefined ? one.status >= 200 && one.status < 300 : one.status === status,
  )
  const examples = response?.examples ?? {}
  const given = example === undefined ? Object.values(examples)[0] : examples[example]
  const changed = typeof body === 'function' ? body(structuredClone(given) as never) : (body ?? given)
  const wrong = [
    ...(example !== undefined && !(example in examples) ? [`the contract has no example ${example}`] : []),
    ...(response && body !== undefined ? checker.response(response, changed) : []),
  ]
  const before = response && given !== undefined && wrong.length > 0 ? checker.response(response, given) : []
  return {
    status: status ?? response?.status ?? 200,
    body: changed,
    wrong: wrong
      .filter((error) => !before.includes(error))
      .map((error) => `the response of the test does not match the contract: ${error}`),
  }
}

async function read(request: IncomingMessage): Promise<Sent> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const [path = '/', query = ''] = (request.url ?? '/').split('?', 2)
  return {
    method: request.method ?? '',
    path,
    query: new URLSearchParams(query),
    headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, value?.toString()])),
    body: Buffer.concat(chunks).toString('utf8'),
  }
}
