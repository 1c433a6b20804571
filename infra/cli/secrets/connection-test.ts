import { Failure, messageOf, toSentence } from '../../../shared/errors.ts'
import { readSloFile } from '../../../shared/evaluation/slo-file.ts'
import { secretsIn } from '../../../shared/fields.ts'
import type { Category } from '../../../shared/providers/category.ts'
import { connect } from '../../../shared/providers/connect.ts'
import { type Connection, connectionSchema } from '../../../shared/providers/connections.ts'
import type { Provider } from '../../../shared/providers/provider.ts'
import { isRecord } from '../../../shared/record.ts'
import { registerSecret } from '../../../shared/redact.ts'
import { toPlainText } from '../../../shared/text/plain-text.ts'
import { unknownName, validate } from '../../../shared/validate.ts'
import { leadsToSandbox } from '../../local/secrets.ts'
import { credentialLiterals, literalWarnings } from '../http/credential-literals.ts'
import type { HttpTestResult } from '../http/try.ts'
import { table } from '../terminal/output.ts'
import type { SecretStore } from './secret-store.ts'
import { type Warning, weakSecrets } from './weak-secrets.ts'

/** `unknown` if an earlier step failed. */
type Step = 'yes' | 'no' | 'unknown'

/** Result of testing a connection or an orchestrator. */
export interface TestResult {
  reachable: Step
  authenticated: Step
  /** Whether the test request was allowed. Other requests may need more permissions. */
  permitted: Step
  /** Absent if the test passed. */
  problem?: string
  remedy?: string
  /** Result of testing a connection of the `http` provider with an action or a saved response. */
  http?: HttpTestResult
}

export interface ConnectionTestResult extends TestResult {
  /** `issue-ticketing/default` */
  connection: string
  provider: string | undefined
  /** Credentials that are easy to guess or not masked. */
  warnings?: Warning[]
}

/** Runs a test request and returns how far it got. */
export async function testCall(call: () => Promise<unknown>): Promise<TestResult> {
  try {
    await call()
    return { reachable: 'yes', authenticated: 'yes', permitted: 'yes' }
  } catch (error) {
    return failureOf(error)
  }
}

/** Reads the SLO file of a connection, and runs the provider's connection test with its values. */
export function testProvider(provider: Provider, values: Record<string, unknown>): Promise<TestResult> {
  const connection = { name: 'new', provider, values }
  const limits = { idempotencyKey: undefined, isRetry: false, deadlineAt: Number.POSITIVE_INFINITY }
  return testCall(async () => {
    if (values['sloFile'] !== undefined) await readSloFile(values['sloFile'], 'sloFile', 'misconfigured')
    await provider.check(connect(connection, limits))
  })
}

/** Loads a stored connection and tests it. */
export async function testConnection(
  store: SecretStore,
  category: Category,
  name: string,
): Promise<ConnectionTestResult> {
  const connection = `${category.name}/${name}`
  let provider: string | undefined
  try {
    const stored = await store.get(`connections/${connection}`)
    provider = isRecord(stored) && typeof stored['provider'] === 'string' ? stored['provider'] : undefined
    const loaded = await validateConnection(category, name, stored)
    const warnings = connectionWarnings(category, loaded)
    const result = await testProvider(loaded.provider, loaded.values)
    return { connection, provider, ...(warnings.length > 0 ? { warnings } : {}), ...result }
  } catch (error) {
    return { connection, provider, ...failureOf(error) }
  }
}

/** Masks the literals that may be credentials, which only the warnings name. */
export function registerLiterals(values: Record<string, unknown>): void {
  for (const { value } of credentialLiterals(values)) registerSecret(value)
}

/** Returns warnings about credentials that are easy to guess or not masked. */
export function connectionWarnings(category: Category, { provider, values }: Connection): Warning[] {
  // The credentials of the sandbox are published and protect nothing.
  const weak = leadsToSandbox(values) ? [] : weakSecrets(connectionSchema(provider, category), values)
  return [...weak, ...literalWarnings(values)]
}

/**
 * Validates the content of a connection's secret, as a function does.
 *
 * @throws Failure `misconfigured`
 */
export async function validateConnection(category: Category, name: string, secret: unknown): Promise<Connection> {
  const providerName = isRecord(secret) && typeof secret['provider'] === 'string' ? secret['provider'] : ''
  const load = Object.hasOwn(category.providers, providerName) ? category.providers[providerName] : undefined
  if (!load) throw new Failure('misconfigured', unknownName('provider', providerName, Object.keys(category.providers)))
  const provider = await load()
  const schema = connectionSchema(provider, category)
  const values = validate(schema, secret, { what: 'Its secret', kind: 'misconfigured' })
  for (const value of secretsIn(schema, values)) registerSecret(value)
  registerLiterals(values)
  return { name, provider, values }
}

export function succeeded({ problem }: TestResult): boolean {
  return problem === undefined
}

/** Formats the results as a table, followed by the problems and what to do about them. */
export function testTable(heading: string, results: readonly (TestResult & { name: string; kind: string })[]): string {
  const rows = results.map(({ name, kind, reachable, authenticated, permitted }) =>
    [name, kind, reachable, authenticated, permitted].map((cell) => (cell === 'unknown' ? '-' : cell)),
  )
  const reasons = results.flatMap(({ name, problem, remedy }) =>
    problem === undefined ? [] : [`${name}: ${toSentence(problem)}${remedy ? `\n  ${remedy}` : ''}`],
  )
  return [table([heading, 'provider', 'reachable', 'authenticated', 'permitted'], rows), ...reasons].join('\n\n')
}

const CHECK_URL = 'Check the URL, and whether this machine can reach it.'

function failureOf(error: unknown): TestResult {
  const problem = toPlainText(messageOf(error))
  const kind = error instanceof Failure ? error.kind : undefined
  const result = (reachable: Step, authenticated: Step, permitted: Step, remedy: string): TestResult => ({
    reachable,
    authenticated,
    permitted,
    problem,
    remedy,
  })
  switch (kind) {
    case 'credentials':
      return result('yes', 'no', 'unknown', 'Renew the credentials.')
    case 'refused':
      return result('yes', 'yes', 'no', 'Grant its user this permission, or correct the connection.')
    case 'timeout':
      return result('no', 'unknown', 'unknown', CHECK_URL)
    case 'platform':
      return (error as Failure).cause === undefined
        ? result('yes', 'unknown', 'unknown', 'The response is not valid. Check the URL, or try again later.')
        : result('no', 'unknown', 'unknown', CHECK_URL)
    case 'misconfigured':
    case 'invalid':
      return result('unknown', 'unknown', 'unknown', 'Correct it with npx webhooks connect, or in its secret.')
    default:
      return { reachable: 'unknown', authenticated: 'unknown', permitted: 'unknown', problem }
  }
}
