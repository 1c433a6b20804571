import { Command } from 'commander'
import { refusalFor } from '../../../shared/approvals/may-decide.ts'
import { messageOf } from '../../../shared/errors.ts'
import { parseBody } from '../../../shared/http/parse-body.ts'
import { type Identity, identityOf } from '../../../shared/people/identity.ts'
import { readProvider } from '../../../shared/people/provider.ts'
import type { People } from '../../../shared/people/secret.ts'
import { isRecord } from '../../../shared/record.ts'
import {
  findTimeProblem,
  findTokenSignatureProblem,
  isFor,
  readClaims,
  readKeySet,
} from '../../../shared/sources/id-token.ts'
import { fetchPublished } from '../../../shared/sources/published.ts'
import { readConfiguredPolicy } from '../../local/operator/configured-policy.ts'
import { UsageError } from '../../project/usage-error.ts'
import { keysProblem } from '../keys-problem.ts'
import { requiredApprovals } from '../policy/required-approvals.ts'
import { readStoredPeople } from '../secrets/people.ts'
import { openStore, STORE_HELP, type StoreOptions, storeOptions } from '../secrets/secret-store.ts'
import { type JsonOption, show, table } from '../terminal/output.ts'
import { readInput } from '../terminal/read-input.ts'

interface Options extends StoreOptions, JsonOption {
  policy?: string
}

/** `webhooks people`: the people who sign in to decide approvals. */
export function peopleCommand(): Command {
  return new Command('people').addCommand(checkCommand())
}

function checkCommand(): Command {
  return storeOptions(new Command('check'))
    .description('show what a sign-in would give: who the person is, and which approvals the person may decide')
    .argument('[token]', 'an ID token of the person, or its claims as JSON; - to read it from stdin')
    .option('--policy <file>', 'the policy, such as policy.yaml')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `${STORE_HELP}
Without a token, checks the secret people and the provider. A token is verified as on the page of an approval, and is not printed. Claims
are not verified. Without --policy, reads the one that the setting policy in cdk.json names, or with --local the one that WEBHOOKS_POLICY
names.

Exit code: 0 the provider, and the token if there is one, are accepted, 1 they are not, or the secret is not valid,
2 invalid arguments, or no secret people.

Examples:
  $ npx webhooks people check
  $ npx webhooks people check - < token.txt
  $ npx webhooks people check '{"email": "jane@example.com", "email_verified": true, "groups": ["sre"]}' --policy policy.yaml`,
    )
    .action(check)
}

async function check(argument: string | undefined, options: Options): Promise<void> {
  const store = await openStore(options)
  const people = await readStoredPeople(store)
  if (!people) throw new UsageError(`${store.place} contains no secret people, so no one signs in: see docs/oidc.md.`)
  const text = (argument === '-' ? await readInput(argument) : argument)?.trim()
  const { issuer, clientId, domains, groupsClaim } = people
  const provider = await providerOf(people)
  const checked = text === undefined ? undefined : await checkSignIn(people, text, provider.keysUrl, options)
  const problem = provider.problem ?? checked?.problem
  const shown = {
    issuer,
    clientId,
    domains,
    groupsClaim: groupsClaim ?? null,
    problem: problem ?? null,
    ...checked?.result,
  }
  const lines = [
    `Provider  ${issuer}`,
    `Client    ${clientId}, with the redirect URI <URL of the API>/v1/notification/approvals/sign-in`,
    `Domains   ${domains.join(', ')}`,
    `Groups    ${groupsClaim === undefined ? 'none' : `claim ${groupsClaim}`}`,
    ...(checked?.lines ?? []),
    ...(problem === undefined ? [] : ['', `Not accepted: ${problem}`]),
  ]
  show(shown, lines.join('\n'), options)
  if (problem !== undefined) process.exitCode = 1
}

async function providerOf({ issuer }: People): Promise<{ keysUrl?: string; problem?: string }> {
  try {
    const { jwks_uri: keysUrl } = await readProvider(issuer)
    await readKeySet(keysUrl, fetchPublished, false)
    return { keysUrl }
  } catch (error) {
    return { problem: keysProblem(error) }
  }
}

/** Says who would be signed in, even if the token has expired. */
async function checkSignIn(people: People, text: string, keysUrl: string | undefined, options: Options) {
  const { claims, problem } = await claimsOf(people, text, keysUrl)
  const identity = identityOf(claims, people)
  const { name, email, groups } = identity
  const approvals = approvalsOf(identity, options)
  const unknown = `it has no verified e-mail address of ${people.domains.join(' or ')}`
  const person = email === undefined ? undefined : `${name} (${email})`
  return {
    problem: problem ?? (email === undefined ? unknown : undefined),
    result: { person: person ?? null, groups, approvals },
    lines: [
      '',
      `Person    ${person ?? `${name}, who may decide nothing: ${unknown}`}`,
      `Member of ${groups.join(', ') || 'no group'}`,
      ...(approvals.length === 0 ? [] : ['', approvalTable(approvals)]),
    ],
  }
}

function approvalTable(approvals: ReturnType<typeof approvalsOf>): string {
  const cells = approvals.map(({ requiredBy, mayDecide, as }) => [requiredBy, mayDecide ? 'yes' : 'no', as ?? ''])
  return table(['approval', 'may decide', 'as'], cells)
}

/** Returns the claims of a token, which is verified, or claims that were passed as JSON. */
async function claimsOf(people: People, text: string, keysUrl: string | undefined) {
  const parsed = parseBody(text)
  if (isRecord(parsed)) return { claims: parsed, problem: undefined }
  const claims = readClaims(text)
  if (!claims) throw new UsageError('The token must be a JSON Web Token of at most 8 KB, or claims as a JSON object.')
  return { claims, problem: await tokenProblem(people, text, claims, keysUrl) }
}

async function tokenProblem(
  { issuer, clientId }: People,
  token: string,
  claims: NonNullable<ReturnType<typeof readClaims>>,
  keysUrl: string | undefined,
): Promise<string | undefined> {
  if (claims.iss !== issuer) return `its issuer is ${claims.iss}`
  if (!isFor(clientId, claims))
    return claims.aud === undefined ? 'it has no claim aud' : `its audience is ${[claims.aud].flat().join(', ')}`
  const now = Date.now()
  const problem = findTimeProblem(claims, now)
  if (problem !== undefined || keysUrl === undefined) return problem
  try {
    return await findTokenSignatureProblem(token, (isFresh) => readKeySet(keysUrl, fetchPublished, isFresh), now)
  } catch (error) {
    return messageOf(error)
  }
}

/** Returns for each approval that the policy requires if the person may decide it, and as whom. */
function approvalsOf({ name, email, groups }: Identity, options: Options) {
  const { policy } = readConfiguredPolicy(options, options.policy) ?? {}
  const names = email === undefined ? [] : [email, ...groups]
  return (policy ? requiredApprovals(policy) : []).map(({ by, approval }) => {
    const isAllowed = (approvers: string[] | undefined) =>
      email !== undefined && refusalFor({ approvers }, { name, names }) === undefined
    const as = approval.by?.find((approver) => isAllowed([approver]))
    return { requiredBy: by, mayDecide: isAllowed(approval.by), as: as ?? (isAllowed(approval.by) ? 'anyone' : null) }
  })
}
