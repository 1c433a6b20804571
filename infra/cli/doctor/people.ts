import { readProvider } from '../../../shared/people/provider.ts'
import { keysProblem } from '../keys-problem.ts'
import { readStoredPeople } from '../secrets/people.ts'
import type { SecretStore } from '../secrets/secret-store.ts'
import { type Finding, findingsOf, okFinding, wrongFinding } from './finding.ts'

/** Checks the OpenID provider at which people sign in to decide approvals, if there is one. */
export function people(store: SecretStore): Promise<Finding[]> {
  const what = 'people'
  return findingsOf(what, 'Correct the secret people.', async () => {
    const found = await readStoredPeople(store)
    if (!found) return []
    try {
      await readProvider(found.issuer)
      return [okFinding(what, `sign in at ${found.issuer}`)]
    } catch (error) {
      return [wrongFinding(what, keysProblem(error), 'Check issuer. The functions need access to it, too.')]
    }
  })
}
