import { type People, peopleSecret } from '../../../shared/people/secret.ts'
import { validate } from '../../../shared/validate.ts'
import { type SecretStore, secretName } from './secret-store.ts'

/**
 * Returns where people sign in. Undefined if there is no secret.
 *
 * @throws Failure `misconfigured` if the secret is not valid
 */
export async function readStoredPeople(store: SecretStore): Promise<People | undefined> {
  const stored = await store.get('people')
  if (stored === undefined) return undefined
  return validate(peopleSecret, stored, { what: `The secret ${secretName('people')}`, kind: 'misconfigured' })
}
