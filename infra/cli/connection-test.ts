import { Failure, messageOf, toSentence } from '../../shared/errors.ts'
import { secretsIn } from '../../shared/fields.ts'
import type { Category } from '../../shared/providers/category.ts'
import { connect } from '../../shared/providers/connect.ts'
import { type Connection, connectionSchema } from '../../shared/providers/connections.ts'
import type { Provider } from '../../shared/providers/provider.ts'
import { isRecord } from '../../shared/record.ts'
import { registerSecret } from '../../shared/redact.ts'
import { toPlainText } from '../../shared/text/plain-text.ts'
import { unknownName, validate } from '../../shared/validate.ts'
import type { HttpTrial } from './http/try.ts'
import { table } from './output.ts'
import type { SecretStore } from './secret-store.ts'
import { weakSecrets } from './weak-secrets.ts'

/** `unknown`: an earlier step has failed already. */
type Step = 'yes' | 'no' | 'unknown'

/** What came of trying a connection or an orchestrator. */
export interface Trial {
  reachable: Step
  authenticated: Step
  /** Whether the cheapest call that there is was allowed; what else the user may do shows when it is done. */
  permitted: Step
  /** Absent where everything went well. */
  problem?: string
  remedy?: string
  /** What an action, or a response, showed of a connection of the provider `http`. */
  tried?: HttpTrial
}

export interface ConnectionTrial extends Trial {
  /** `issue-ticketing/default` */
  connection: string
  provider: string | undefined
  /** What is weak about its secrets; absent if nothing is. */
  weak?: string[]
}

/** Makes a call, and says how far it got. */
export async function attempt(call: () => Promise<unknown>): Promise<Trial> {
  try {
    await call()
    return { reachable: 'yes', authenticated: 'yes', permitted: 'yes' }
  } catch (error) {
    return failed(error)
  }
}

/** The provider's own check, with the values of a connection. */
export function tryProvider(provider: Provider, values: Record<string, unknown>): Promise<Trial> {
  const connection = { name: 'new', provider, values }
  const limits = { idempotencyKey: undefined, isRetry: false, deadlineAt: Number.POSITIVE_INFINITY }
  return attempt(async () => provider.check(connect(connection, limits)))
}

/** Reads a connection as a function would, and tries it. */
export async function tryConnection(store: SecretStore, category: Category, name: string): Promise<ConnectionTrial> {
  const connection = `${category.name}/${name}`
  let provider: string | undefined
  try {
    const held = await store.get(`connections/${connection}`)
    provider = isRecord(held) && typeof held['provider'] === 'string' ? held['provider'] : undefined
    const loaded = await loadStored(category, name, held)
    const weak = weakSecrets(connectionSchema(loaded.provider, category), loaded.values)
    const trial = await tryProvider(loaded.provider, loaded.values)
    return { connection, provider, ...(weak.length > 0 ? { weak } : {}), ...trial }
  } catch (error) {
    return { connection, provider, ...failed(error) }
  }
}

/**
 * A connection as a function would read it.
 *
 * @param held what its secret holds
 * @throws Failure `misconfigured`
 */
export async function loadStored(category: Category, name: string, held: unknown): Promise<Connection> {
  const named = isRecord(held) && typeof held['provider'] === 'string' ? held['provider'] : ''
  const load = Object.hasOwn(category.providers, named) ? category.providers[named] : undefined
  if (!load) throw new Failure('misconfigured', unknownName('provider', named, Object.keys(category.providers)))
  const provider = await load()
  const schema = connectionSchema(provider, category)
  const values = validate(schema, held, { what: 'Its secret', kind: 'misconfigured' })
  for (const secret of secretsIn(schema, values)) registerSecret(secret)
  return { name, provider, values }
}

export function succeeded({ problem }: Trial): boolean {
  return problem === undefined
}

/** The trials as a table, and below it what failed and what to do. */
export function trialTable(heading: string, trials: readonly (Trial & { name: string; kind: string })[]): string {
  const rows = trials.map(({ name, kind, reachable, authenticated, permitted }) =>
    [name, kind, reachable, authenticated, permitted].map((cell) => (cell === 'unknown' ? '-' : cell)),
  )
  const reasons = trials.flatMap(({ name, problem, remedy }) =>
    problem === undefined ? [] : [`${name}: ${toSentence(problem)}${remedy ? `\n  ${remedy}` : ''}`],
  )
  return [table([heading, 'provider', 'reachable', 'authenticated', 'permitted'], rows), ...reasons].join('\n\n')
}

function failed(error: unknown): Trial {
  const problem = toPlainText(messageOf(error))
  const kind = error instanceof Failure ? error.kind : undefined
  const trial = (reachable: Step, authenticated: Step, permitted: Step, remedy: string): Trial => ({
    reachable,
    authenticated,
    permitted,
    problem,
    remedy,
  })
  switch (kind) {
    case 'credentials':
      return trial('yes', 'no', 'unknown', 'Renew its credentials, and store them with the same command.')
    case 'refused':
      return trial('yes', 'yes', 'no', 'Give its user this right, or correct what the connection names.')
    case 'timeout':
      return trial('no', 'unknown', 'unknown', 'Is its URL right, and may this machine go there?')
    case 'platform':
      return (error as Failure).cause === undefined
        ? trial(
            'yes',
            'unknown',
            'unknown',
            'It answers, but not as it should: is its URL right? Else ask again later.',
          )
        : trial('no', 'unknown', 'unknown', 'Is its URL right, and may this machine go there?')
    case 'misconfigured':
    case 'invalid':
      return trial('unknown', 'unknown', 'unknown', 'Correct it with webhooks connect, or in its secret.')
    default:
      return { reachable: 'unknown', authenticated: 'unknown', permitted: 'unknown', problem }
  }
}
