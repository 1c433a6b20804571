import { invalidInput } from '../errors.ts'
import { toTextParameters } from '../providers/text-parameters.ts'

/** An environment variable of a container. */
export interface Variable {
  name: string
  value: string
}

/**
 * Checks that the parameters of a call can be environment variables of a container.
 *
 * @throws Failure `invalid`
 */
export function checkVariableNames(parameters: Record<string, unknown> = {}): void {
  const invalid = Object.keys(parameters).find((name) => !/^[A-Za-z_]\w*$/.test(name))
  if (invalid !== undefined)
    throw invalidInput(`input.parameters.${invalid}`, 'is not a valid name of an environment variable')
}

/**
 * Returns the parameters of a call as environment variables whose containers see the same text. Kubernetes replaces `$(NAME)`
 * with another variable, which may be a secret, and `$$` with `$`.
 *
 * @see https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
 */
export function toVariables(parameters: Record<string, unknown> | undefined): Variable[] {
  return Object.entries(toTextParameters(parameters)).map(([name, value]) => ({
    name,
    value: value.replaceAll('$', () => '$$'),
  }))
}
