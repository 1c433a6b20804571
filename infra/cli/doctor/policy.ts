import { findUnidentified, needsSignIn } from '../../../shared/approvals/unidentified.ts'
import { NOTIFICATION } from '../../../shared/core/call.ts'
import { messageOf } from '../../../shared/errors.ts'
import { matchesName } from '../../../shared/policy/names.ts'
import type { When } from '../../../shared/policy/policy.ts'
import type { MessageProvider } from '../../../shared/providers/message.ts'
import type { Provider } from '../../../shared/providers/provider.ts'
import { resolveChannel } from '../../../shared/providers/push-update.ts'
import { cdkSettings } from '../../aws/cdk-settings.ts'
import { readConfiguredPolicy } from '../../local/operator/configured-policy.ts'
import { categories } from '../../project/categories.ts'
import { type RequiredApproval, requiredApprovals } from '../policy/required-approvals.ts'
import { readStoredCallers, type StoredCaller } from '../secrets/callers.ts'
import { validateConnection } from '../secrets/connection-test.ts'
import { readStoredPeople } from '../secrets/people.ts'
import type { SecretStore } from '../secrets/secret-store.ts'
import { type Finding, findingsOf, noteFinding, okFinding, wrongFinding } from './finding.ts'

/** Checks the policy, and that it can request the approvals that it requires. */
export function policy(store: SecretStore, options: { local?: boolean }): Promise<Finding[]> {
  return findingsOf('policy', 'Correct the file, and run npx webhooks policy check.', async () => {
    const callers = Object.entries(await readStoredCallers(store))
    const { file, policy } = readConfiguredPolicy(options) ?? {}
    const unasked = policy?.approval ? [] : callers.filter(([, caller]) => needsApproval(caller)).map(unaskedFinding)
    if (!policy) return unasked
    const found = `${file}, rules: ${policy.rules.length}`
    const required = requiredApprovals(policy)
    return [
      policy.enforce
        ? okFinding('policy', found)
        : noteFinding('policy', `${found}, only logged`, 'Remove enforce: false when the log shows what you want.'),
      ...unasked,
      ...(required.length > 0 ? isNotificationDeployed(options) : []),
      ...(await Promise.all(required.map((one) => askingFindings(one, store)))).flat(),
      ...required.flatMap((one) => ownerFindings(one, callers)),
    ]
  })
}

function needsApproval({ agent = false, writes }: StoredCaller): boolean {
  return (writes ?? (agent ? 'approve' : 'allow')) === 'approve'
}

function unaskedFinding([name]: [string, StoredCaller]): Finding {
  const found = 'its writes need an approval, and the policy does not say how to ask people: they are refused'
  return wrongFinding(`caller ${name}`, found, 'Add the section approval to policy.yaml, or set "writes" in its entry.')
}

function isNotificationDeployed({ local }: { local?: boolean }): Finding[] {
  const deployed = local ? categories : cdkSettings().enabled
  if (deployed.some(({ name }) => name === NOTIFICATION)) return []
  const found = 'requires approvals, but the category notification, which asks people, is not deployed'
  return [wrongFinding('policy', found, 'Set categories.notification to true in cdk.json and run npx cdk deploy.')]
}

/** Checks the connection that asks people. Other checks report what is wrong with its secret. */
async function askingFindings({ by, approval }: RequiredApproval, store: SecretStore): Promise<Finding[]> {
  const what = `policy, ${by}`
  const { connection, channel, count, by: approvers, notRequester, complete } = approval
  const path = `${NOTIFICATION}/${connection}`
  const stored = await store.get(`connections/${path}`)
  const connect = `Run npx webhooks connect ${path}${store.option}, or name another connection.`
  if (stored === undefined) return [wrongFinding(what, `asks with ${path}, which does not exist`, connect)]
  const category = categories.find(({ name }) => name === NOTIFICATION)
  if (!category) return []
  const loaded = await validateConnection(category, connection, stored).catch(() => undefined)
  if (!loaded || !isMessageProvider(loaded.provider)) return []
  const { provider, values } = loaded
  const { title, process } = provider
  // The platform does not identify people who decide on the page.
  const platform = complete ? { buttons: undefined, process } : provider
  const deciders = { approvers, excluded: notRequester ? [] : undefined }
  const people = needsSignIn(platform, deciders, count) ? await readStoredPeople(store) : undefined
  if (complete && process) {
    const found = `asks with ${path}, but ${title} decides by its own process, not on the page with the complete request`
    return [wrongFinding(what, found, 'Use another connection, or remove complete.')]
  }
  const unidentified = findUnidentified(platform, people, deciders, count)
  if (unidentified?.type === 'everyone') {
    const advice = complete
      ? 'Let people sign in (see docs/oidc.md), or remove complete, or by, notRequester and count.'
      : `Use a connection of Slack, Mattermost, Discord or Telegram, or remove by, notRequester and count${process ? '' : ', or let people sign in: see docs/oidc.md'}.`
    return [
      wrongFinding(
        what,
        `asks with ${path}, but ${complete ? 'the page of approvals' : title} cannot distinguish people`,
        advice,
      ),
    ]
  }
  if (unidentified) {
    const { name, format = 'ids or e-mail addresses' } = unidentified
    const found = `names ${name}, whom ${people ? 'a sign-in' : title} cannot verify`
    return [wrongFinding(what, found, `List people as ${format}.`)]
  }
  try {
    resolveChannel(channel, values, provider, true)
    return []
  } catch (error) {
    return [wrongFinding(what, `cannot ask with ${path}: ${messageOf(error)}`, 'Correct channel.')]
  }
}

function isMessageProvider(provider: Provider): provider is MessageProvider {
  return provider.kind === 'message'
}

/** Finds callers whose calls are refused, because no one knows who must not approve them. */
function ownerFindings(
  { by, when, approval }: RequiredApproval,
  callers: readonly [string, StoredCaller][],
): Finding[] {
  if (!approval.notRequester) return []
  return callers
    .filter(([name, caller]) => (when ? mayMatch(when, name, caller) : needsApproval(caller)))
    .filter(([, { owners = [] }]) => owners.length === 0)
    .map(([name]) =>
      wrongFinding(
        `caller ${name}`,
        `has no owners, so calls that the ${by} of the policy matches are refused`,
        'Add "owners" to its entry in the secret callers.',
      ),
    )
}

/** Whether a rule may match calls of a caller. The other conditions depend on the call. */
function mayMatch(
  { actions, callers, agents }: When,
  name: string,
  { agent = false, categories }: StoredCaller,
): boolean {
  const mayCall = (action: string) =>
    categories.some((category) => category === '*' || matchesName(action.split('/', 1)[0] ?? '', category))
  return (
    (agents === undefined || agents === agent) &&
    (callers === undefined || callers.some((pattern) => matchesName(pattern, name))) &&
    (actions === undefined || actions.some(mayCall))
  )
}
