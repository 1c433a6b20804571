import { Failure } from '../../shared/errors.ts'

/**
 * Returns the error for a query of an evaluation.
 *
 * @param name of the query
 * @param message the rest of the sentence: `must be the ARN of an SLO`
 */
export function invalidQuery(name: string, message: string): Failure {
  return new Failure('invalid', `The query of ${name} ${message}`, { errors: [{ path: `queries.${name}`, message }] })
}
