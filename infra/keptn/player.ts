import type { EventLog } from './event-log.ts'
import { loadSequence, type SequenceFiles, SequenceFilesError } from './sequence-files.ts'
import { type ControllerOptions, firstSequence, type PlayedTask, ShipyardController } from './shipyard-controller.ts'

export interface PlayOptions {
  /** A sequence that comes along; or `files`. */
  name?: string
  files?: SequenceFiles
  /** Where the receiver answers, without /v1. */
  url: string
  /** The token of a caller, which the subscriptions send as `{{.env.secret_webhooks_token}}`. */
  token: string
  log: EventLog
  /** Further secrets, by the names that envFrom gives them. */
  secrets?: Readonly<Record<string, string>>
  /** Gets a line for each event and each call. */
  print?: (line: string) => void
  /** Ends the play early; what runs at the receiver goes on there. */
  signal?: AbortSignal
  pollMs?: number
  statusPollMs?: number
  /** How long a `.triggered` may stay without a `.started`. */
  startTimeoutMs?: number
  /** How long the log is waited for where it does not answer: longer than a restart of the receiver takes. */
  patienceMs?: number
  /** Whether Keptn's approval-service is played too. */
  approvalService?: boolean
  onAccepted?: ControllerOptions['onAccepted']
}

export interface Played {
  passed: boolean
  /** The signal ended it. */
  interrupted: boolean
  /** The keptnContext of the run. */
  context: string
  tasks: PlayedTask[]
}

/**
 * Plays Keptn's part in a sequence: the shipyard-controller that triggers the tasks and counts their ends, and the
 * webhook-service that calls the receiver, from one trigger event to the end of every sequence that follows from it
 * (protocol sections 1, 2 and 6).
 * @throws SequenceFilesError for an unknown name, or a trigger that the shipyard has no sequence for
 * @throws EventLogError where the log refuses an event
 */
export async function playSequence(options: PlayOptions): Promise<Played> {
  const files = options.files ?? loadSequence(options.name ?? '')
  const first = firstSequence(files)
  if (!first) {
    const known = files.sequences.map(({ stage, name }) => `${stage}.${name}`).join(', ')
    throw new SequenceFilesError(`${files.event.type} triggers no sequence of the shipyard, which has ${known}`)
  }
  const stop = new AbortController()
  const signal = options.signal ? AbortSignal.any([stop.signal, options.signal]) : stop.signal
  const controller = new ShipyardController({
    files,
    url: options.url,
    token: options.token,
    log: options.log,
    secrets: { secret_webhooks_token: options.token, ...options.secrets },
    print: options.print ?? (() => {}),
    signal,
    pollMs: options.pollMs ?? 250,
    statusPollMs: options.statusPollMs ?? 2_000,
    startTimeoutMs: options.startTimeoutMs ?? 600_000,
    patienceMs: options.patienceMs ?? 300_000,
    approvalService: options.approvalService ?? true,
    onAccepted: options.onAccepted,
  })
  let passed = false
  try {
    passed = await controller.play(first)
  } catch (error) {
    if (!options.signal?.aborted) throw error
  } finally {
    stop.abort()
  }
  return { passed, interrupted: options.signal?.aborted ?? false, context: controller.context, tasks: controller.tasks }
}
