import * as z from 'zod/mini'
import { Failure, invalidInput, refused } from '../../errors.ts'
import { inBatches } from '../../evaluation/batches.ts'
import type { MeasuredIndicator } from '../../evaluation/score.ts'
import { withDescription } from '../../fields.ts'
import { unknownName } from '../../validate.ts'

/** An indicator and its query in the platform's language. */
export interface Query {
  /** The name in objectives and thresholds. */
  name: string
  query: string
}

const name = z.string().check(z.minLength(1), z.maxLength(100))
const query = z.string().check(z.minLength(1), z.maxLength(8_192))
export const MAX_QUERIES = 50

const parsed = z.transform((value) => (typeof value === 'string' && /^\s*[[{]/.test(value) ? parse(value) : value))
const listed = z.array(z.strictObject({ name, query })).check(z.maxLength(MAX_QUERIES))
const named = z.pipe(
  z.record(name, query).check(
    z.refine((queries) => Object.keys(queries).length <= MAX_QUERIES, {
      message: `must have at most ${MAX_QUERIES} queries`,
    }),
  ),
  z.transform((queries) => Object.entries(queries).map(([name, query]) => ({ name, query }))),
)

/** Returns a field for indicators by name, as in Keptn's `sli.yaml`; or a list of `{name, query}`; or either as JSON text. */
export function queriesField(description: string) {
  return withDescription(z.pipe(parsed, z.union([named, listed])), description)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** The values of placeholders in queries, as in Keptn's `sli.yaml`. */
export interface Placeholders {
  project: string | undefined
  stage: string | undefined
  service: string | undefined
  /** Length of the period. */
  seconds?: number
}

const PLACEHOLDER = /\$(PROJECT|STAGE|SERVICE|DURATION_SECONDS)\b/g
/** The names that Keptn allows. Other characters could end a string in the query's language. */
const SAFE_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/

/**
 * Replaces the placeholders of a query: `$PROJECT`, `$STAGE`, `$SERVICE` and `$DURATION_SECONDS`.
 *
 * @throws Failure `invalid` for a value that is missing or unsafe in a query
 */
export function fillPlaceholders({ name, query }: Query, { project, stage, service, seconds }: Placeholders): Query {
  const values = new Map([
    ['PROJECT', project],
    ['STAGE', stage],
    ['SERVICE', service],
  ])
  const filled = query.replace(PLACEHOLDER, (placeholder, word: string) => {
    if (word === 'DURATION_SECONDS') return seconds === undefined ? placeholder : `${seconds}s`
    const value = values.get(word)
    if (value !== undefined && SAFE_NAME.test(value)) return value
    const path = `data.${word.toLowerCase()}`
    const message =
      value === undefined
        ? `is required, because the query of ${name} contains ${placeholder}`
        : `must have only letters, digits, dots, - and _, because the query of ${name} contains ${placeholder}`
    throw invalidInput(path, message)
  })
  return { name, query: filled }
}

/**
 * Checks that a query exists.
 *
 * @param path of the name: `input.thresholds.0.metric`
 * @throws Failure `invalid` with the most similar name
 */
export function requireQuery(queries: readonly Query[], wanted: string, path: string): void {
  if (queries.some(({ name }) => name === wanted)) return
  const message = `does not name a query. ${unknownName(
    'query',
    wanted,
    queries.map(({ name }) => name),
  )}`
  throw invalidInput(path, message)
}

/** Returns a refusal with the name of its query; other errors unchanged. */
export function withQueryName(name: string, error: unknown): unknown {
  if (!(error instanceof Failure) || error.kind !== 'refused') return error
  return refused(`The query of ${name}: ${error.message}`, { cause: error })
}

/**
 * Measures each query, some at a time.
 *
 * @param parallel the number of queries at a time
 * @throws the first error. A refusal names its query
 */
export async function measureEach(
  queries: readonly Query[],
  parallel: number,
  measure: (query: string) => Promise<Omit<MeasuredIndicator, 'name'>>,
): Promise<{ measured: MeasuredIndicator[] }> {
  const measured = await inBatches(queries, parallel, async ({ name, query }) => {
    try {
      return { name, ...(await measure(query)) }
    } catch (error) {
      throw withQueryName(name, error)
    }
  })
  return { measured }
}
