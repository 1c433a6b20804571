import { Failure, toSentence } from '../../shared/errors.ts'
import { isRecord } from '../../shared/record.ts'
import { succeeded, type Trial } from './connection-test.ts'
import { type JsonOption, note, show } from './output.ts'
import { PLAIN_HTTP_ADVICE, plainHttpOrigins } from './plain-http.ts'
import { askChoice, CancelledError, isInteractive } from './prompts.ts'
import { type SecretStore, secretName } from './secret-store.ts'
import { WEAK_SECRET_ADVICE } from './weak-secrets.ts'

interface KeepOptions extends JsonOption {
  dryRun?: boolean
  check: boolean
  fromFile?: string
}

/** A secret that is ready to be stored. */
interface Made {
  value: Record<string, unknown>
  /** The same without what is secret. */
  shown: Record<string, unknown>
  /** What is weak about its secrets. */
  weak: string[]
  attempt(): Promise<Trial>
}

/**
 * What is stored now, to be offered as the answers; nothing where nobody is asked, or of AWS in a dry run. What can not be read is replaced, too.
 */
export async function presentOf(
  store: SecretStore,
  path: string,
  { fromFile, dryRun, local }: Pick<KeepOptions, 'fromFile' | 'dryRun'> & { local?: boolean },
): Promise<Record<string, unknown>> {
  // A dry run asks nothing of AWS.
  if (fromFile !== undefined || (dryRun && !local) || !isInteractive()) return {}
  try {
    const held = await store.get(path)
    return isRecord(held) ? held : {}
  } catch (error) {
    if (error instanceof Failure && error.kind === 'misconfigured') return {}
    throw error
  }
}

/**
 * Tries a new secret and stores it. What is tried in vain is not stored, unless somebody at the terminal says so.
 *
 * @param make asks for it; called again where it is to be corrected
 */
export async function keep(
  store: SecretStore,
  path: string,
  options: KeepOptions,
  make: () => Promise<Made>,
): Promise<void> {
  for (;;) {
    const { value, shown, weak, attempt } = await make()
    for (const origin of plainHttpOrigins(value)) note(`Warning: ${origin} uses plain HTTP. ${PLAIN_HTTP_ADVICE}`)
    for (const what of weak) note(`Warning: ${what}. ${WEAK_SECRET_ADVICE}`)
    const trial = options.check ? await attempt() : undefined
    const secret = secretName(path)
    const report = { secret, place: store.place, value: shown, ...(trial ? { trial } : {}) }
    if (options.dryRun) {
      if (trial && !succeeded(trial)) process.exitCode = 1
      const text = `Would store in ${store.place} as ${secret}:\n${JSON.stringify(shown, null, 2)}\n${inWords(trial)}`
      return show({ ...report, done: 'nothing' }, text, options)
    }
    if (trial && !succeeded(trial)) {
      const next = await whatNow(trial, options)
      if (next === 'again') continue
      if (next === 'stop') {
        process.exitCode = 1
        return show({ ...report, done: 'nothing' }, `${inWords(trial)}\nNothing was stored.`, options)
      }
    }
    const done = await store.put(path, value)
    const verb = done === 'created' ? 'Stored' : 'Replaced'
    return show({ ...report, done }, `${inWords(trial)}\n${verb} ${secret} in ${store.place}.`, options)
  }
}

async function whatNow(trial: Trial, { fromFile }: KeepOptions): Promise<string> {
  if (fromFile !== undefined || !isInteractive()) return 'stop'
  note(inWords(trial))
  const next = await askChoice('What now?', [
    { value: 'again', label: 'Answer again' },
    { value: 'store', label: 'Store it all the same' },
    { value: 'stop', label: 'Stop, and store nothing' },
  ])
  if (next === 'stop') throw new CancelledError()
  return next
}

function inWords(trial: Trial | undefined): string {
  if (!trial) return 'It was not tried.'
  if (trial.tried && succeeded(trial)) return `It was tried with ${trial.tried.tried}.`
  if (succeeded(trial)) return 'It was tried: reachable, authenticated, permitted.'
  return `It was tried in vain: ${toSentence(trial.problem ?? '')}${trial.remedy ? ` ${trial.remedy}` : ''}`
}
