import { authorizeAction, authorizeConnection } from '../../../shared/auth/callers.ts'
import { actionNamesOf } from '../../../shared/providers/category.ts'
import { callerNameOf } from '../../../shared/source-name.ts'
import type { AlertRule } from '../../../shared/sources/rules.ts'
import { type SourceSecret, sourceSecret } from '../../../shared/sources/secret.ts'
import { isSilent, type SourceActivity } from '../../../shared/state/source-activity.ts'
import { validate } from '../../../shared/validate.ts'
import { categories } from '../../project/categories.ts'
import { type SecretStore, secretName } from '../secrets/secret-store.ts'
import { activitiesOf, describeActivity } from '../sources/activity.ts'
import { type Declared, needsSecret, readDeclared } from '../sources/declared-sources.ts'
import { type Finding, findingsOf, noteFinding, okFinding, wrongFinding } from './finding.ts'

const SILENT_ADVICE =
  'Look at the deliveries at the platform: is the URL right, and are they accepted? Its tasks end up to ten minutes late.'

/** Checks that each declared source has a secret, that it is not silent, and that the calls of its rules are possible. */
export function sources(store: SecretStore, options: { local?: boolean; stack: string }): Promise<Finding[]> {
  return findingsOf('sources', 'Correct the file that declares the sources.', async () => {
    const declared = await readDeclared(options)
    if (!declared) return []
    const names = Object.keys(declared.sources)
    const activities = await activitiesOf(names, options)
    const unread = typeof activities === 'string' ? [noteFinding('sources', `times not read: ${activities}`)] : []
    const findings = names.map((name) =>
      checkSource(name, declared, store, typeof activities === 'string' ? undefined : activities.get(name)),
    )
    const shared = await findShared(names, store)
    return [...unread, ...(await Promise.all(findings)).flat(), ...shared]
  })
}

/** Finds sources with the same credential: what the sender of one sends would be accepted by the other one. */
function findShared(names: readonly string[], store: SecretStore): Promise<Finding[]> {
  return findingsOf('sources', 'Correct their secrets.', async () => {
    const owners = new Map<string, string[]>()
    for (const name of names) {
      const { data } = sourceSecret.safeParse(await store.get(`sources/${name}`))
      for (const credential of new Set([...(data?.keys ?? []), data?.token, data?.password]))
        if (credential !== undefined) owners.set(credential, [...(owners.get(credential) ?? []), name])
    }
    const shared = [
      ...new Set([...owners.values()].filter(({ length }) => length > 1).map((found) => found.join(', '))),
    ]
    return shared.map((found) =>
      wrongFinding(
        'sources',
        `the same credential is in the secrets of ${found}: each accepts the notifications of the others`,
        `Give each source a credential of its own: npx webhooks source add <type> --name <name>${store.option}.`,
      ),
    )
  })
}

function checkSource(
  name: string,
  declared: Declared,
  store: SecretStore,
  activity: SourceActivity | undefined,
): Promise<Finding[]> {
  const what = `source ${name}`
  const { type = '' } = declared.sources[name] ?? {}
  const advice = `Run npx webhooks source add ${type} --name ${name}${store.option}.`
  return findingsOf(what, advice, async () => {
    const stored = await store.get(`sources/${name}`)
    if (stored === undefined && needsSecret(name, declared))
      return [wrongFinding(what, `has no secret in ${store.place}: its notifications are refused`, advice)]
    const secret =
      stored === undefined
        ? {}
        : validate(sourceSecret, stored, { what: `The secret ${secretName(`sources/${name}`)}`, kind: 'misconfigured' })
    const rules = declared.rules.filter(({ source }) => source === name)
    const ofRules = (await Promise.all(rules.map((rule) => checkRule(rule, secret, store)))).flat()
    if (!activity) return [okFinding(what, type), ...ofRules]
    const found = `${type}, ${describeActivity(activity)}`
    return [isSilent(activity) ? noteFinding(what, found, SILENT_ADVICE) : okFinding(what, found), ...ofRules]
  })
}

/** Finds a rule whose calls are refused. */
function checkRule(
  { name, source, call, connection = 'default' }: AlertRule,
  { allow, allowConnections }: SourceSecret,
  store: SecretStore,
): Promise<Finding[]> {
  const what = `rule ${name}`
  const advice = `Correct the rule, or allow and allowConnections in the secret ${secretName(`sources/${source}`)}.`
  return findingsOf(what, advice, async () => {
    const [category = '', action = ''] = call.split('/')
    const caller = { name: callerNameOf(source), allow, allowConnections, tokens: [], categories: ['*'] }
    const known = categories.find((one) => one.name === category)
    authorizeAction(caller, category, action, known ? actionNamesOf(known, action) : [action])
    authorizeConnection(caller, category, connection)
    const path = `${category}/${connection}`
    if ((await store.get(`connections/${path}`)) !== undefined) return []
    const connect = `Run npx webhooks connect ${path}${store.option}, or name another connection.`
    return [wrongFinding(what, `its connection ${path} does not exist: its calls are refused`, connect)]
  })
}
