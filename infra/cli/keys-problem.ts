import { Failure, messageOf } from '../../shared/errors.ts'

/** Returns why the keys of an issuer cannot be read, with what its host has answered. */
export function keysProblem(error: unknown): string {
  const { cause } = error instanceof Failure ? error : {}
  return cause instanceof Failure ? `${messageOf(error)} ${cause.message}` : messageOf(error)
}
