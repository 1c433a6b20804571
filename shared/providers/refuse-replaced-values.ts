import { invalidInput } from '../errors.ts'

/**
 * Refuses parameters that the platform would not take as text, but replace with something else, such as a secret: their text
 * can come from an alert.
 *
 * @param replaced matches what the platform replaces
 * @param explanation `must not contain $(NAME), which Acme replaces with the variable NAME`
 * @throws Failure `invalid`
 */
export function refuseReplacedValues(
  parameters: Record<string, unknown> | undefined,
  replaced: RegExp,
  explanation: string,
): void {
  const found = Object.entries(parameters ?? {}).find(([, value]) => replaced.test(JSON.stringify(value)))
  if (found) throw invalidInput(`input.parameters.${found[0]}`, explanation)
}
