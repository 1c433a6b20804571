import type { EventLog } from './event-log.ts'
import { loadSequence, type SequenceFiles, SequenceFilesError } from './sequence-files.ts'
import { type ControllerOptions, firstSequence, type PlayedTask, ShipyardController } from './shipyard-controller.ts'

export interface PlayOptions {
  /** Name of an included sequence, unless `files` is set. */
  name?: string
  files?: SequenceFiles
  /** URL of the receiver, without /v1. */
  url: string
  /** Token of a caller, for `{{.env.secret_webhooks_token}}` in the subscriptions. */
  token: string
  log: EventLog
  /** More secrets, by their names in envFrom. */
  secrets?: Readonly<Record<string, string>>
  /** Receives a line for each event and each call. */
  print?: (line: string) => void
  /** Stops the sequence. Tasks at the receiver continue. */
  signal?: AbortSignal
  pollMs?: number
  statusPollMs?: number
  /** Timeout for the `.started` event after a `.triggered` event. */
  startTimeoutMs?: number
  /** How long to retry if the event log does not respond. Must be longer than a restart of the receiver. */
  patienceMs?: number
  /** Whether to simulate Keptn's approval-service. */
  approvalService?: boolean
  onAccepted?: ControllerOptions['onAccepted']
  onTask?: ControllerOptions['onTask']
}

export interface Played {
  passed: boolean
  /** Whether the signal stopped it. */
  interrupted: boolean
  /** keptnContext of the run. */
  context: string
  tasks: PlayedTask[]
}

/**
 * Runs a sequence with a simulated Keptn: the shipyard-controller, which triggers the tasks and counts their events, and the
 * webhook-service, which calls the receiver. Ends when all sequences that the trigger event causes have ended.
 *
 * @throws SequenceFilesError for an unknown name, or a trigger without a sequence in the shipyard
 * @throws EventLogError if the log rejects an event
 */
export async function playSequence(options: PlayOptions): Promise<Played> {
  const files = options.files ?? loadSequence(options.name ?? '')
  const first = firstSequence(files)
  if (!first) {
    const known = files.sequences.map(({ stage, name }) => `${stage}.${name}`).join(', ')
    throw new SequenceFilesError(`${files.event.type} does not trigger a sequence of the shipyard. Sequences: ${known}`)
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
    onTask: options.onTask,
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
