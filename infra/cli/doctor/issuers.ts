import type { Oidc } from '../../../shared/auth/oidc.ts'
import { keysOf } from '../../../shared/auth/token-caller.ts'
import { fetchPublished } from '../../../shared/sources/published.ts'
import { keysProblem } from '../keys-problem.ts'
import { readStoredCallers } from '../secrets/callers.ts'
import type { SecretStore } from '../secrets/secret-store.ts'
import { type Finding, findingsOf, okFinding, wrongFinding } from './finding.ts'

/** The claims that say whose token it is, of issuers at which everybody can get a token. */
const OWNER_CLAIMS: Record<string, RegExp> = {
  'https://token.actions.githubusercontent.com': /^(?:sub|enterprise|(?:repository|repository_owner)(?:_id)?)$/,
  'https://gitlab.com': /^(?:sub|(?:namespace|project)_(?:id|path))$/,
  'https://accounts.google.com': /^(?:sub|email|hd)$/,
}

/** Checks the OpenID providers of callers: whether their keys can be read, and whose tokens are accepted. */
export function issuers(store: SecretStore): Promise<Finding[]> {
  return findingsOf('issuers', 'Correct the secret callers.', async () => {
    const callers = Object.entries(await readStoredCallers(store))
    const findings = await Promise.all(
      callers.map(([name, { oidc }]) => (oidc ? issuerOf(`issuer of ${name}`, oidc) : [])),
    )
    return findings.flat()
  })
}

async function issuerOf(what: string, oidc: Oidc): Promise<Finding[]> {
  const { issuer, claims, jwks } = oidc
  const owners = OWNER_CLAIMS[issuer]
  if (owners && !Object.entries(claims).some(([name, value]) => owners.test(name) && namesOwner(value)))
    return [
      wrongFinding(what, `everybody can get a token of ${issuer} with these claims`, 'Require a claim with your name.'),
    ]
  try {
    await keysOf(oidc, fetchPublished)(false)
    return [okFinding(what, typeof jwks === 'object' ? `${issuer}, with keys in the entry` : issuer)]
  } catch (error) {
    const advice = 'Check the issuer, or add its keys to the entry as "jwks". The functions need access to it, too.'
    return [wrongFinding(what, keysProblem(error), advice)]
  }
}

/** Whether a pattern starts with a name: `repo:*` does not. */
function namesOwner(pattern: string): boolean {
  return !/^(?:[a-z_]+:)?\*/.test(pattern)
}
