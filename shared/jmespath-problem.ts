import { JMESPathError, JMESPathTypeError, search } from '@aws-lambda-powertools/jmespath'
import { jmespathReason } from './jmespath-reason.ts'

/** Returns why a text is not a JMESPath expression. Undefined if it is one. */
export function jmespathProblem(text: string): string | undefined {
  try {
    search(text, {})
    return undefined
  } catch (error) {
    // A type error is caused by the missing data.
    if (error instanceof JMESPathTypeError) return undefined
    return error instanceof JMESPathError ? jmespathReason(error) : 'it cannot be read'
  }
}
