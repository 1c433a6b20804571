import type * as z from 'zod/mini'
import { identitySecret } from '../../../shared/auth/identity-key.ts'
import { callbacksSecret } from '../../../shared/auth/reply-address.ts'
import { DEFAULT_ORCHESTRATOR, loadOrchestratorType } from '../../../shared/orchestrators/index.ts'
import { isRecord } from '../../../shared/record.ts'
import { validate } from '../../../shared/validate.ts'
import { VERIFY_SECRET, verifySecret } from '../../../shared/verify/secret.ts'
import { checkName } from '../../project/find-by-name.ts'
import { tokenHash } from '../../project/token-hash.ts'
import { testAll } from '../commands/check.ts'
import { readStoredCallers } from '../secrets/callers.ts'
import { succeeded, type TestResult, testCall } from '../secrets/connection-test.ts'
import { PLAIN_HTTP_ADVICE, plainHttpOrigins } from '../secrets/plain-http.ts'
import { type SecretStore, secretName } from '../secrets/secret-store.ts'
import { validateSecret } from '../terminal/prompt-for-fields.ts'
import { type Finding, findingsOf, noteFinding, okFinding, wrongFinding } from './finding.ts'
import { githubFindings } from './github.ts'
import { issuers } from './issuers.ts'
import { people } from './people.ts'

/** Checks all secrets, and tests connections and orchestrators. */
export async function secrets(store: SecretStore, { local }: { local?: boolean }): Promise<Finding[]> {
  const findings = await Promise.all([
    generatedKey('identity', identitySecret, store, local),
    generatedKey('callbacks', callbacksSecret, store, local),
    callers(store),
    issuers(store),
    people(store),
    verifyToken(store),
    orchestrators(store),
    connections(store),
    unencrypted(store, 'orchestrator'),
    unencrypted(store, 'connection'),
  ])
  return findings.flat()
}

/** Checks a key that the deployment generates. Calls that need it fail with 503 without it. */
function generatedKey(name: string, schema: z.ZodMiniObject, store: SecretStore, local = false): Promise<Finding[]> {
  const what = `${name} key`
  const advice = `Delete the secret ${name} and run npx cdk deploy, which creates it again.`
  return findingsOf(what, advice, async () => {
    const stored = await store.get(name)
    if (stored === undefined && local)
      return [noteFinding(what, `missing in ${store.place}`, 'The first npm start creates it.')]
    if (stored === undefined)
      return [wrongFinding(what, `missing in ${store.place}`, 'Run npx cdk deploy, which creates it.')]
    validate(schema, stored, { what: `The secret ${secretName(name)}`, kind: 'misconfigured' })
    return [okFinding(what, 'valid')]
  })
}

function callers(store: SecretStore): Promise<Finding[]> {
  return findingsOf('callers', 'Correct the secret callers.', async () => {
    const callers = Object.entries(await readStoredCallers(store))
    if (callers.length === 0)
      return [
        noteFinding('callers', `none in ${store.place}`, `Run npx webhooks token create <caller>${store.option}.`),
      ]
    const known = await store.list('orchestrators/')
    return callers.map(([name, { categories, orchestrator }]) => {
      const may = `may call ${categories.join(', ')}`
      const what = `caller ${name}`
      if (orchestrator === undefined || orchestrator === DEFAULT_ORCHESTRATOR)
        return okFinding(what, `${may}; reads results at their statusUrl`)
      if (known.includes(orchestrator)) return okFinding(what, `${may}; results go to ${orchestrator}`)
      return wrongFinding(
        what,
        `its orchestrator ${orchestrator} does not exist`,
        `Run npx webhooks orchestrator add ${orchestrator}${store.option}.`,
      )
    })
  })
}

/** Checks the token with which a deployment verifies itself, if it has one. */
function verifyToken(store: SecretStore): Promise<Finding[]> {
  const what = 'verify token'
  const advice = 'Run npx webhooks token rotate <caller> --for-verify.'
  return findingsOf(what, advice, async () => {
    const stored = await store.get(VERIFY_SECRET)
    if (stored === undefined) return []
    const name = `The secret ${secretName(VERIFY_SECRET)}`
    const hash = tokenHash(validate(verifySecret, stored, { what: name, kind: 'misconfigured' }).token)
    const found = Object.entries(await readStoredCallers(store)).find(([, { tokens }]) => tokens.includes(hash))
    return [found ? okFinding(what, `valid for the caller ${found[0]}`) : wrongFinding(what, 'of no caller', advice)]
  })
}

function orchestrators(store: SecretStore): Promise<Finding[]> {
  return findingsOf('orchestrators', 'Check your permissions for Secrets Manager.', async () => {
    const names = await store.list('orchestrators/')
    const findings = await Promise.all(
      names.map((name) => {
        const what = `orchestrator ${name}`
        const advice = `Run npx webhooks orchestrator add ${name}${store.option}.`
        return findingsOf(what, advice, async () => {
          const stored = await store.get(`orchestrators/${checkName(name)}`)
          const fields = isRecord(stored) ? stored : {}
          const type = String(fields['type'])
          const { secret, connect } = await loadOrchestratorType(type)
          const settings = secret ? validateSecret(secret, fields, 'Its secret') : {}
          const found = typeof settings['baseUrl'] === 'string' ? settings['baseUrl'] : type
          const result = await testCall(() => connect(settings).check())
          const more = type === 'github' && succeeded(result) ? await githubFindings(what, name, fields, store) : []
          return [findingOf(what, found, result, advice), ...more]
        })
      }),
    )
    return findings.flat()
  })
}

function connections(store: SecretStore): Promise<Finding[]> {
  return findingsOf('connections', 'Check your permissions for Secrets Manager.', async () => {
    const results = await testAll(store, await store.list('connections/'))
    if (results.length === 0)
      return [
        noteFinding(
          'connections',
          `none in ${store.place}`,
          `Run npx webhooks connect <category>/<name>${store.option}.`,
        ),
      ]
    return results.flatMap((result) => {
      const what = `connection ${result.connection}`
      const advice = `Run npx webhooks connect ${result.connection}${store.option}.`
      const finding = findingOf(what, result.provider ?? 'no provider', result, advice)
      return [finding, ...(result.warnings ?? []).map(({ found, advice }) => noteFinding(what, found, advice))]
    })
  })
}

/** Reports secrets whose credentials are sent over plain HTTP. */
async function unencrypted(store: SecretStore, kind: 'orchestrator' | 'connection'): Promise<Finding[]> {
  const findings: Finding[] = []
  try {
    for (const name of await store.list(`${kind}s/`))
      for (const origin of plainHttpOrigins(await store.get(`${kind}s/${name}`)))
        findings.push(noteFinding(`${kind} ${name}`, `${origin} uses plain HTTP`, PLAIN_HTTP_ADVICE))
  } catch {
    // Another check reports a secret that cannot be read.
  }
  return findings
}

function findingOf(what: string, found: string, result: TestResult, advice: string): Finding {
  if (succeeded(result)) return okFinding(what, found)
  return wrongFinding(what, result.problem ?? '', [result.remedy, advice].filter(Boolean).join(' '))
}
