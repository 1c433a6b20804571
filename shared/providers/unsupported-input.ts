import { Failure } from '../errors.ts'

/**
 * Refuses input that a platform does not support, because ignoring it silently would mislead the caller.
 *
 * @param title the platform's name
 * @param fields the values of fields that must be missing, by name
 * @throws Failure `invalid`
 * @example checkStart: ({ project, ref }) => refuseUnsupported('Acme', { project, ref })
 */
export function refuseUnsupported(title: string, fields: Record<string, unknown>): void {
  const errors = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name]) => ({ path: `input.${name}`, message: `is not supported by ${title}: remove it` }))
  const [first] = errors
  if (first) throw new Failure('invalid', `${first.path} ${first.message}`, { errors })
}
