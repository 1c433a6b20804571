import { randomBytes, randomUUID } from 'node:crypto'
import { count, endsSequence, type Outcome } from './counting.ts'
import { finishedData, type KeptnTaskResult, nextEventData } from './event-data.ts'
import type { EventLog } from './event-log.ts'
import {
  errored,
  isObject,
  type JsonObject,
  type KeptnEvent,
  newEvent,
  replyTo,
  shortType,
  taskEvent,
} from './events.ts'
import { CallFailedError, callReceiver, parseCurl, type ReceiverResponse, rebase } from './receiver.ts'
import { RunEvents } from './run-events.ts'
import type { SequenceFiles } from './sequence-files.ts'
import { Journal, shorten } from './sequence-journal.ts'
import { followers, type Sequence, sequenceEvent, triggeredBy } from './shipyard.ts'
import { Subscriptions } from './subscriptions.ts'
import { type AcceptedTask, acceptedTask, pollTask } from './task-status.ts'

export interface ControllerOptions {
  files: SequenceFiles
  /** URL of the receiver, without /v1. */
  url: string
  log: EventLog
  print: (line: string) => void
  secrets: Readonly<Record<string, string>>
  /** Token for reading the status of a task. */
  token: string
  signal: AbortSignal
  pollMs: number
  statusPollMs: number
  startTimeoutMs: number
  patienceMs: number
  approvalService: boolean
  /** Called for each task that the receiver accepts. Can print a line. */
  onAccepted?: ((task: AcceptedTask, say: (text: string) => void, signal: AbortSignal) => Promise<void>) | undefined
  /** Called when a task of the sequence starts, and when it has ended. */
  onTask?: ((task: PlayedTask, context: string) => void) | undefined
}

/** A task of the sequence and its state. */
export interface PlayedTask {
  stage: string
  sequence: string
  name: string
  state: 'running' | 'finished'
  outcome?: Outcome
  /** Tasks that the receiver has accepted for it. */
  accepted: AcceptedTask[]
}

const controller = 'shipyard-controller'

/** Simulates the shipyard-controller for one trigger. */
export class ShipyardController {
  readonly context = randomUUID()
  readonly tasks: PlayedTask[] = []
  /** Keptn adds the commit of its configuration repository to each event. */
  private readonly gitcommitid = randomBytes(20).toString('hex')
  private readonly options: ControllerOptions
  private readonly journal: Journal
  private readonly runEvents: RunEvents
  private readonly subscriptions: Subscriptions
  private readonly running = new Map<string, PlayedTask>()
  private readonly ended = new Set<string>()
  /** Calls for which no task waits. */
  private readonly notifications: Promise<void>[] = []
  private failure: unknown

  constructor(options: ControllerOptions) {
    this.options = options
    this.journal = new Journal(options.print, options.secrets)
    const warn = (text: string): void => this.journal.warn(text)
    this.runEvents = new RunEvents({
      ...options,
      context: this.context,
      retryMs: options.pollMs,
      warn,
      onEvent: (event, own) => this.onEvent(event, own),
    })
    this.subscriptions = new Subscriptions({
      ...options,
      ...options.files,
      warn,
      send: (event) => this.runEvents.send(event),
      call: (argv, event) => this.call(argv, event),
    })
  }

  /** Runs the sequence that the event triggers, and all sequences that follow. */
  async play(first: Sequence): Promise<boolean> {
    const { sequences, event } = this.options.files
    const queue: { sequence: Sequence; data: JsonObject }[] = [{ sequence: first, data: event.data }]
    let passed = true
    for (let next = queue.shift(); next; next = queue.shift()) {
      const { data, outcome } = await this.playSequence(next.sequence, { ...next.data, stage: next.sequence.stage })
      passed = passed && outcome.result !== 'fail' && outcome.status === 'succeeded'
      queue.push(...followers(sequences, next.sequence, outcome).map((sequence) => ({ sequence, data })))
    }
    await this.runEvents.refresh()
    await Promise.all(this.notifications)
    return passed
  }

  private async playSequence(sequence: Sequence, trigger: JsonObject): Promise<{ data: JsonObject; outcome: Outcome }> {
    const triggered = await this.emit(sequenceEvent(sequence, 'triggered'), trigger)
    const finished: KeptnTaskResult[] = []
    for (const task of sequence.tasks) {
      const ended = await this.playTask(sequence, task.name, nextEventData(trigger, finished, task))
      finished.push(ended)
      if (endsSequence(ended.outcome)) break
    }
    const outcome = finished.at(-1)?.outcome ?? { status: 'succeeded', result: 'pass', message: '' }
    const data = nextEventData(trigger, finished)
    const { project = '', stage = '', service = '', labels } = data
    const end = { project, stage, service, ...(isObject(labels) ? { labels } : {}), ...outcome }
    await this.emit(sequenceEvent(sequence, 'finished'), end, triggered.id)
    return { data, outcome }
  }

  private async playTask(
    { stage, name: sequence }: Sequence,
    name: string,
    data: JsonObject,
  ): Promise<KeptnTaskResult> {
    const task: PlayedTask = { stage, sequence, name, state: 'running', accepted: [] }
    this.tasks.push(task)
    this.options.onTask?.(task, this.context)
    const triggered = await this.emit(`sh.keptn.event.${name}.triggered`, data, undefined, (id) =>
      this.running.set(id, task),
    )
    this.watch(await this.subscriptions.deliver(triggered))
    const outcome = await this.untilEnded(triggered, task)
    Object.assign(task, { state: 'finished', outcome })
    this.options.onTask?.(task, this.context)
    this.ended.add(triggered.id)
    return { outcome, data: finishedData(this.runEvents.events, triggered.id) }
  }

  private async untilEnded(triggered: KeptnEvent, task: PlayedTask): Promise<Outcome> {
    const deadline = Date.now() + this.options.startTimeoutMs
    for (;;) {
      if (this.failure) throw this.failure
      const { started, outcome } = count(this.runEvents.events, triggered.id)
      if (outcome) return outcome
      if (started === 0 && Date.now() >= deadline) return this.giveUp(triggered, task)
      await this.runEvents.waitForEvent(this.options.pollMs)
      await this.runEvents.refresh()
    }
  }

  private async giveUp(triggered: KeptnEvent, { name }: PlayedTask): Promise<Outcome> {
    const seconds = this.options.startTimeoutMs / 1000
    const message = `sequence timed out: no ${name}.started within ${seconds} s of ${name}.triggered`
    await this.runEvents.send(replyTo(triggered, 'finished', controller, errored(message)))
    return { status: 'errored', result: 'fail', message }
  }

  private async emit(
    type: string,
    data: JsonObject,
    triggeredid?: string,
    made?: (id: string) => void,
  ): Promise<KeptnEvent> {
    const reply = triggeredid === undefined ? {} : { triggeredid }
    const { context: shkeptncontext, gitcommitid } = this
    const event = newEvent({ type, source: controller, shkeptncontext, gitcommitid, data, ...reply })
    made?.(event.id)
    await this.runEvents.send(event)
    return event
  }

  /** Tracks background promises. An unexpected rejection ends the run. */
  private watch(promises: readonly Promise<void>[]): void {
    for (const promise of promises) {
      promise.catch((error: unknown) => {
        if (!this.options.signal.aborted) this.failure ??= error
      })
    }
  }

  private onEvent(event: KeptnEvent, own: boolean): void {
    const { status, result, message } = event.data
    const ends = event.type.endsWith('.finished')
    const kind = taskEvent(event.type)?.kind
    const ending = ends && typeof status === 'string' ? `${status}/${typeof result === 'string' ? result : '?'}` : ''
    // The end of a sequence repeats the message of its last task, which has been printed.
    const text = kind === 'finished' && typeof message === 'string' ? shorten(message) : ''
    this.journal.line(own ? '' : '<-', shortType(event.type), ending, text, `(${event.source})`)
    if (kind === 'finished' && this.ended.has(event.triggeredid ?? '')) {
      this.journal.warn(`${shortType(event.type)} arrived after the end of the task; ignored`)
    }
    if (kind === undefined || kind === 'triggered') return
    const notified = this.notify(event)
    this.watch([notified])
    this.notifications.push(notified)
  }

  private async notify(event: KeptnEvent): Promise<void> {
    await Promise.all(await this.subscriptions.deliver(event))
  }

  private async call(argv: string[], event: KeptnEvent): Promise<ReceiverResponse> {
    const { url: base, signal, log, onAccepted } = this.options
    const request = parseCurl(argv)
    const url = rebase(request.url, base)
    const path = url.startsWith(base) ? url.slice(base.replace(/\/+$/, '').length) : url
    this.journal.line('->', `${request.method} ${shorten(path, 160)}`)
    const start = performance.now()
    const answer = await callReceiver({ ...request, url }, signal).catch((error: unknown) => {
      if (error instanceof CallFailedError) this.journal.line('<-', error.message)
      throw error
    })
    const task = answer.status === 202 ? acceptedTask(answer.body) : undefined
    const took = `${Math.round(performance.now() - start)} ms`
    this.journal.line('<-', `HTTP ${answer.status} in ${took}`, task ? `task ${task.taskId}` : shorten(answer.body))
    if (!task || taskEvent(event.type)?.kind !== 'triggered') return answer
    this.running.get(event.id)?.accepted.push(task)
    if (onAccepted) this.watch([onAccepted(task, (text) => this.journal.line('', text), signal)])
    if (!log.receiverReports) this.watch([this.report(task, event, url)])
    return answer
  }

  /** Creates the events of a receiver that sends them elsewhere, based on the status of its task. */
  private async report(task: AcceptedTask, triggered: KeptnEvent, url: string): Promise<void> {
    const source = new URL(url).origin
    const name = taskEvent(triggered.type)?.task ?? ''
    const sendsStarted = new URL(url).searchParams.get('sendStarted') === 'true'
    if (sendsStarted) await this.runEvents.send(replyTo(triggered, 'started', source))
    const statusUrl = rebase(new URL(task.statusUrl, url).href, this.options.url)
    const { token, signal, statusPollMs: intervalMs } = this.options
    const ask = (): Promise<Response> => fetch(statusUrl, { headers: { authorization: `Bearer ${token}` }, signal })
    const warn = (text: string): void => this.journal.warn(`task ${task.taskId}: ${text}`)
    const data = await pollTask(name, ask, { intervalMs, signal, warn })
    await this.runEvents.send(replyTo(triggered, 'finished', source, data))
  }
}

/** Returns the sequence that the event of these files triggers. */
export const firstSequence = ({ sequences, event }: SequenceFiles): Sequence | undefined =>
  triggeredBy(sequences, event.type)
