import { Failure } from '../errors.ts'
import { jmespathReason } from '../jmespath-reason.ts'

/**
 * Evaluates a JMESPath expression of an orchestrator's secret.
 *
 * @param field of the secret, for messages
 * @throws Failure `misconfigured`
 */
export async function evaluate(expression: string, data: object, field: string): Promise<unknown> {
  const { JMESPathError, search } = await import('@aws-lambda-powertools/jmespath')
  try {
    // Removes undefined values: JSON does not have them.
    return search(expression, JSON.parse(JSON.stringify(data)))
  } catch (error) {
    if (!(error instanceof JMESPathError)) throw error
    throw new Failure('misconfigured', `${field} of the orchestrator cannot be evaluated: ${jmespathReason(error)}`)
  }
}
