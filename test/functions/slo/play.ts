import type { Served } from '../../../infra/platforms/loopback-server.ts'
import type { EvaluationProvider } from '../../../shared/providers/evaluation/provider.ts'
import type { ReportProvider } from '../../../shared/providers/report.ts'
import { clientOf, startEach } from '../helpers.ts'
import { type EvaluateOptions, evaluate, type ReportOptions, report } from './drive.ts'

interface Playing {
  server: Served
  connection: object
  input?: object
}

/**
 * Starts a platform before each test.
 *
 * @returns the platform, its server, and functions that run the provider with the connection and the input of the platform. `fields`
 * replaces fields of the connection.
 */
export function play<P extends Playing>(provider: EvaluationProvider | ReportProvider, start: () => Promise<P>) {
  const at = startEach(async () => {
    const played = await start()
    return { ...played, close: () => played.server.close() }
  })
  const server = new Proxy({} as P['server'], { get: (_, name) => Reflect.get(at.server, name) })
  const connection = (fields: object = {}) => ({ ...at.connection, ...fields })
  const inputOf = (input: object = {}) => ({ ...at.input, ...input })
  return {
    at,
    server,
    connection,
    ask: (input?: object, fields?: object, options?: EvaluateOptions) =>
      evaluate(provider, connection(fields), inputOf(input), options),
    push: (input?: object, fields?: object, options?: ReportOptions) =>
      report(provider, connection(fields), inputOf(input), options),
    check: async (fields?: object) =>
      provider.check(clientOf(provider, provider.connection.parse(connection(fields)) as never)),
  }
}
