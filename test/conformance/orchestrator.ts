import { describe } from '@jest/globals'
import type { Served } from '../../infra/testing/loopback-server.ts'
import type { Answer, AnsweredTask, Orchestrator } from '../../shared/orchestrators/orchestrator.ts'
import { answerTests, repeatedAnswerTests } from './orchestrator/answers.ts'
import { callTests } from './orchestrator/calls.ts'
import { orchestratorConnectionTests } from './orchestrator/connection.ts'
import { OrchestratorFixture, type ParsedCall } from './orchestrator/fixture.ts'
import type { OrchestratorSubject } from './orchestrator/options.ts'
import { orchestratorSecretTests } from './orchestrator/secrets.ts'

interface OrchestratorTests<S> {
  /** The engine of the current test. */
  server: S
  /** Connects to the engine with other settings. */
  connect(settings?: object): Orchestrator
  /** Reads a call with these fields, and with the headers that the engine sends. */
  parse(fields: Record<string, unknown>, headers?: Record<string, string>, settings?: object): ParsedCall
  /** The task that the call starts. */
  task(): AnsweredTask
  /** Sends an answer of the task. */
  send(answer: Answer, uncertainAttempts?: number, settings?: object): ReturnType<Orchestrator['send']>
}

/**
 * Registers the tests that every type of orchestrator must pass. Returns the engine and functions for other tests of the file.
 *
 * @param type its name in `shared/orchestrators/index.ts`
 * @example
 * import { orchestratorConformance, serve } from 'cloud-automation-webhooks/testing'
 * import { acmeType } from './orchestrator.ts'
 *
 * const token = 'acme-token-0123456789'
 *
 * async function start() {
 *   const run = { id: 'run-42', result: null }
 *   const server = await serve(({ method, path, headers, body }) => {
 *     if (headers.authorization !== `Bearer ${token}`) return { status: 401, body: { message: 'invalid token' } }
 *     if (path === '/me') return { status: 200, body: { name: 'robot' } }
 *     if (method === 'GET') return { status: 200, body: run }
 *     if (run.result !== null) return { status: 409, body: { message: 'the run has a result' } }
 *     run.result = body.result
 *     return { status: 204 }
 *   })
 *   return {
 *     server,
 *     settings: { baseUrl: server.url, token },
 *     secrets: [token],
 *     reset: () => Object.assign(run, { result: null }),
 *     kindOf: ({ method }) => (method === 'POST' ? 'finished' : undefined),
 *     identityOf: ({ path }) => path,
 *   }
 * }
 *
 * orchestratorConformance('sample', {
 *   type: acmeType,
 *   start,
 *   body: { id: 'run-42' },
 *   required: ['id'],
 *   sends: ['finished'],
 * })
 */
export function orchestratorConformance<S extends Served>(
  type: string,
  subject: OrchestratorSubject<S>,
): OrchestratorTests<S> {
  const fixture = new OrchestratorFixture(type, subject)

  describe(`${subject.name ?? type}: orchestrator conformance`, () => {
    callTests(fixture)
    answerTests(fixture)
    orchestratorConnectionTests(fixture)
    if (subject.sends.length === 0) return
    repeatedAnswerTests(fixture)
    orchestratorSecretTests(fixture)
  })
  return {
    server: fixture.server,
    connect: (...settings) => fixture.connect(...settings),
    parse: (...call) => fixture.parse(...call),
    task: () => fixture.task(),
    send: (...answer) => fixture.send(...answer),
  }
}
