import { unknownName } from '../../shared/validate.ts'
import { readCredentials } from '../local/credentials.ts'
import { localLambda } from '../local/runtime-file.ts'
import { UsageError } from '../project/usage-error.ts'
import { engines } from '../sandbox/engines/index.ts'
import { engineKeyOf } from '../sandbox/engines/place.ts'
import { playRelease } from '../sandbox/engines/play-release.ts'
import { approveInSandbox } from './approve-in-sandbox.ts'
import { isLoopback, type Receiver, stateFolder } from './receiver/receiver.ts'

interface Options {
  json: boolean
  autoApproveReason: string | undefined
  /** @throws UsageError if the API does not respond */
  checkReachable: () => Promise<void>
}

/**
 * Runs the release with an engine of the sandbox, and prints what it does.
 *
 * @throws UsageError for an unknown engine, another sequence, or an API that is not the local runtime
 */
export async function playEngine(
  sequence: string | undefined,
  name: string,
  { url }: Receiver,
  { json, autoApproveReason, checkReachable }: Options,
): Promise<void> {
  const engine = engines.find((engine) => engine.name === name)
  if (!engine)
    throw new UsageError(unknownName('orchestrator', name, ['keptn', ...engines.map((engine) => engine.name)]))
  if (sequence !== 'release') throw new UsageError(`${engine.title} can run the sequence release only.`)
  if (!isLoopback(url)) throw new UsageError('The engines of the sandbox call the local runtime. Omit --url.')
  await checkReachable()
  const credentials = readCredentials(stateFolder())
  const approve = approveInSandbox({ url, autoApproveReason })
  const interrupt = new AbortController()
  process.once('SIGINT', () => interrupt.abort())
  const played = await playRelease(engine, {
    url,
    key: () => engineKeyOf(credentials),
    lambda: () => localLambda(stateFolder()),
    signal: interrupt.signal,
    print: (line) => (json ? console.error(line) : console.log(line)),
    onAccepted: (taskId, say, ended) =>
      void approve({ taskId, statusUrl: '' }, say, ended).catch((error: unknown) => {
        if (!ended.aborted) throw error
      }),
  }).catch((error: unknown) => {
    if (!interrupt.signal.aborted) throw error
  })
  if (!played) {
    process.exitCode = 130
    return
  }
  const { passed, steps } = played
  console.log(
    json
      ? JSON.stringify({ name: sequence, orchestrator: name, passed, steps }, null, 2)
      : `release ${passed ? 'passed' : 'did not pass'}`,
  )
  if (!passed) process.exitCode = 1
}
