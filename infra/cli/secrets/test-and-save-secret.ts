import { Failure, toSentence } from '../../../shared/errors.ts'
import { isRecord } from '../../../shared/record.ts'
import { CancelledError } from '../terminal/cancelled-error.ts'
import { type JsonOption, note, show } from '../terminal/output.ts'
import { isInteractive, promptForChoice } from '../terminal/prompts.ts'
import { succeeded, type TestResult } from './connection-test.ts'
import { PLAIN_HTTP_ADVICE, plainHttpOrigins } from './plain-http.ts'
import { type SecretStore, secretName } from './secret-store.ts'
import type { Warning } from './weak-secrets.ts'

interface SaveOptions extends JsonOption {
  dryRun?: boolean
  check: boolean
  fromFile?: string
}

/** A secret that is ready to be saved. */
interface PreparedSecret {
  value: Record<string, unknown>
  description?: string
  /** The value with its credentials masked. */
  redacted: Record<string, unknown>
  warnings: Warning[]
  test(): Promise<TestResult>
}

/**
 * Returns the stored secret, to offer its values in the prompts. Returns an empty object if there are no prompts, if a
 * dry run must not call AWS, or if the stored secret is unreadable and is about to be replaced.
 */
export async function readStored(
  store: SecretStore,
  path: string,
  { fromFile, dryRun, local }: Pick<SaveOptions, 'fromFile' | 'dryRun'> & { local?: boolean },
): Promise<Record<string, unknown>> {
  if (fromFile !== undefined || (dryRun && !local) || !isInteractive()) return {}
  try {
    const stored = await store.get(path)
    return isRecord(stored) ? stored : {}
  } catch (error) {
    if (error instanceof Failure && error.kind === 'misconfigured') return {}
    throw error
  }
}

/**
 * Tests a new secret and saves it. If the test fails, saves it only if the user confirms.
 *
 * @param prepare builds the secret; called again if the user wants to correct it
 */
export async function saveSecret(
  store: SecretStore,
  path: string,
  options: SaveOptions,
  prepare: () => Promise<PreparedSecret>,
): Promise<void> {
  for (;;) {
    const { value, description, redacted, warnings, test: runTest } = await prepare()
    for (const origin of plainHttpOrigins(value)) note(`Warning: ${origin} uses plain HTTP. ${PLAIN_HTTP_ADVICE}`)
    for (const { found, advice } of warnings) note(`Warning: ${found}. ${advice}`)
    const test = options.check ? await runTest() : undefined
    const secret = secretName(path)
    const report = { secret, place: store.place, value: redacted, ...(test ? { test } : {}) }
    if (options.dryRun) {
      if (test && !succeeded(test)) process.exitCode = 1
      const text = `Would save ${secret} in ${store.place}:\n${JSON.stringify(redacted, null, 2)}\n${describeTest(test)}`
      return show({ ...report, done: 'nothing' }, text, options)
    }
    if (test && !succeeded(test)) {
      const next = await promptAfterFailure(test, options)
      if (next === 'retry') continue
      if (next === 'cancel') {
        process.exitCode = 1
        return show({ ...report, done: 'nothing' }, `${describeTest(test)}\nNothing was saved.`, options)
      }
    }
    const done = await store.put(path, value, description)
    const verb = done === 'created' ? 'Saved' : 'Replaced'
    return show({ ...report, done }, `${describeTest(test)}\n${verb} ${secret} in ${store.place}.`, options)
  }
}

async function promptAfterFailure(test: TestResult, { fromFile }: SaveOptions): Promise<string> {
  if (fromFile !== undefined || !isInteractive()) return 'cancel'
  note(describeTest(test))
  const next = await promptForChoice('What now?', [
    { value: 'retry', label: 'Correct the values' },
    { value: 'save', label: 'Save anyway' },
    { value: 'cancel', label: 'Cancel without saving' },
  ])
  if (next === 'cancel') throw new CancelledError()
  return next
}

function describeTest(test: TestResult | undefined): string {
  if (!test) return 'The connection was not tested.'
  if (test.http && succeeded(test)) return `Connection test passed (${test.http.tested}).`
  if (succeeded(test)) return 'Connection test passed.'
  return `Connection test failed: ${toSentence(test.problem ?? '')}${test.remedy ? ` ${test.remedy}` : ''}`
}
