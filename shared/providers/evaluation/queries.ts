import * as z from 'zod/mini'
import { Failure } from '../../errors.ts'
import { withDescription } from '../../fields.ts'
import { unknownName } from '../../validate.ts'

/** An indicator, and how the platform is asked for it. */
export interface Query {
  /** As objectives and thresholds call it. */
  name: string
  query: string
}

const name = z.string().check(z.minLength(1), z.maxLength(100))
const query = z.string().check(z.minLength(1), z.maxLength(8_192))
/** That are asked for in one evaluation. */
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

/** Indicators by their names, as in Keptn's `sli.yaml`; or a list of `{name, query}`, or the JSON of either as text. */
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

/** What stands for something of the event or of the time in a query, as in Keptn's `sli.yaml`. */
export interface Placeholders {
  project: string | undefined
  stage: string | undefined
  service: string | undefined
  /** Of the time that is evaluated. */
  seconds?: number
}

const placeholder = /\$(PROJECT|STAGE|SERVICE|DURATION_SECONDS)\b/g
/** What Keptn allows in a name, and no more: it must not end a text in the language of the query. */
const harmless = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/

/**
 * A query with what the event says in the place of its placeholders: `$PROJECT`, `$STAGE`, `$SERVICE`, `$DURATION_SECONDS`.
 *
 * @throws Failure `invalid` for a name that could mean something else in a query, or that the event lacks
 */
export function fillPlaceholders({ name, query }: Query, { project, stage, service, seconds }: Placeholders): Query {
  const values = new Map([
    ['PROJECT', project],
    ['STAGE', stage],
    ['SERVICE', service],
  ])
  const filled = query.replace(placeholder, (whole, word: string) => {
    if (word === 'DURATION_SECONDS') return seconds === undefined ? whole : `${seconds}s`
    const value = values.get(word)
    if (value !== undefined && harmless.test(value)) return value
    const path = `data.${word.toLowerCase()}`
    const message =
      value === undefined
        ? `is missing, and the query of ${name} has ${whole} for it`
        : `may only have letters, digits, dots, - and _, since the query of ${name} has ${whole} for it`
    throw new Failure('invalid', `${path} ${message}`, { errors: [{ path, message }] })
  })
  return { name, query: filled }
}

/**
 * Refuses a name that no query has.
 *
 * @param path of what names it: `input.thresholds.0.metric`
 * @throws Failure `invalid` that names the nearest
 */
export function requireQuery(queries: readonly Query[], wanted: string, path: string): void {
  if (queries.some(({ name }) => name === wanted)) return
  const message = `does not name a query. ${unknownName(
    'query',
    wanted,
    queries.map(({ name }) => name),
  )}`
  throw new Failure('invalid', `${path} ${message}`, { errors: [{ path, message }] })
}

/** Says of which query a refusal is; to be thrown. */
export function withQueryName(name: string, error: unknown): unknown {
  if (!(error instanceof Failure) || error.kind !== 'refused') return error
  return new Failure('refused', `The query of ${name}: ${error.message}`, { cause: error })
}
