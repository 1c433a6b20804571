import { identitySecret } from '../../../shared/auth/identity-key.ts'
import { keptn, keptnConnection } from '../../../shared/orchestrators/keptn/keptn.ts'
import { isRecord } from '../../../shared/record.ts'
import { validate } from '../../../shared/validate.ts'
import { readCallers } from '../callers.ts'
import { tryAll } from '../commands/check.ts'
import { attempt, succeeded, type Trial } from '../connection-test.ts'
import { nameOf } from '../names.ts'
import { PLAIN_HTTP_ADVICE, plainHttpOrigins } from '../plain-http.ts'
import { checked } from '../prompt-fields.ts'
import { type SecretStore, secretName } from '../secret-store.ts'
import { WEAK_SECRET_ADVICE } from '../weak-secrets.ts'
import { type Finding, found, noted, ok, wrong } from './finding.ts'

/** What is stored, and whether it works. */
export async function secrets(store: SecretStore, { local }: { local?: boolean }): Promise<Finding[]> {
  const findings = await Promise.all([
    identity(store, local),
    callers(store),
    orchestrators(store),
    connections(store),
    unencrypted(store, 'orchestrator'),
    unencrypted(store, 'connection'),
  ])
  return findings.flat()
}

/** Without this key every call that has an event id is answered 503. */
function identity(store: SecretStore, local = false): Promise<Finding[]> {
  const what = 'identity key'
  const advice = 'Delete the secret identity, and run npx cdk deploy: the stack creates it again.'
  return found(what, advice, async () => {
    const held = await store.get('identity')
    if (held === undefined && local)
      return [noted(what, `there is none in ${store.place}`, 'npm start creates it at its first start.')]
    if (held === undefined)
      return [wrong(what, `there is none in ${store.place}`, 'Run npx cdk deploy: the stack creates it.')]
    validate(identitySecret, held, { what: `The secret ${secretName('identity')}`, kind: 'misconfigured' })
    return [ok(what, 'is there')]
  })
}

function callers(store: SecretStore): Promise<Finding[]> {
  return found('callers', 'Correct the secret callers.', async () => {
    const callers = Object.entries(await readCallers(store))
    if (callers.length === 0)
      return [noted('callers', `there are none in ${store.place}`, 'webhooks token create <caller>')]
    const known = await store.list('orchestrators/')
    return callers.map(([name, { categories, orchestrator }]) => {
      const may = `may call ${categories.join(', ')}`
      const what = `caller ${name}`
      if (orchestrator === undefined) return noted(what, `${may}; silently, since it has no orchestrator`)
      if (known.includes(orchestrator)) return ok(what, `${may}; answers go to ${orchestrator}`)
      return wrong(what, `its orchestrator ${orchestrator} is not stored`, `webhooks orchestrator add ${orchestrator}`)
    })
  })
}

function orchestrators(store: SecretStore): Promise<Finding[]> {
  return found('orchestrators', 'Are you allowed to read them?', async () => {
    const names = await store.list('orchestrators/')
    return Promise.all(
      names.map(async (name) => {
        const again = `webhooks orchestrator add ${name}`
        const [finding] = await found(`orchestrator ${name}`, `Correct it: ${again}`, async () => {
          const held = await store.get(`orchestrators/${nameOf(name)}`)
          const connection = checked(keptnConnection, isRecord(held) ? held : {}, 'Its secret')
          return [
            findingOf(
              `orchestrator ${name}`,
              connection.baseUrl,
              await attempt(() => keptn(connection).check()),
              again,
            ),
          ]
        })
        return finding as Finding
      }),
    )
  })
}

function connections(store: SecretStore): Promise<Finding[]> {
  return found('connections', 'Are you allowed to read them?', async () => {
    const trials = await tryAll(store, await store.list('connections/'))
    if (trials.length === 0)
      return [noted('connections', `there are none in ${store.place}`, 'webhooks connect <category>/<name>')]
    return trials.flatMap((trial) => {
      const what = `connection ${trial.connection}`
      const finding = findingOf(what, trial.provider ?? 'no provider', trial, `webhooks connect ${trial.connection}`)
      return [finding, ...(trial.weak ?? []).map((weak) => noted(what, weak, WEAK_SECRET_ADVICE))]
    })
  })
}

/** Secrets whose credentials are sent over plain HTTP. */
async function unencrypted(store: SecretStore, kind: 'orchestrator' | 'connection'): Promise<Finding[]> {
  const findings: Finding[] = []
  try {
    for (const name of await store.list(`${kind}s/`))
      for (const origin of plainHttpOrigins(await store.get(`${kind}s/${name}`)))
        findings.push(noted(`${kind} ${name}`, `${origin} uses plain HTTP`, PLAIN_HTTP_ADVICE))
  } catch {
    // A secret that cannot be read is a finding of its own.
  }
  return findings
}

function findingOf(what: string, good: string, trial: Trial, command: string): Finding {
  if (succeeded(trial)) return ok(what, good)
  return wrong(what, trial.problem ?? '', [trial.remedy, command].filter(Boolean).join(' '))
}
