import { randomBytes, randomUUID } from 'node:crypto'
import { count, endsSequence, type Outcome } from './counting.ts'
import { finishedData, nextEventData, type TaskResult } from './event-data.ts'
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
import { Ledger } from './open-tasks.ts'
import { type Answer, CallFailedError, callReceiver, parseCurl, rebase } from './receiver.ts'
import type { SequenceFiles } from './sequence-files.ts'
import { Journal, shorten } from './sequence-journal.ts'
import { followers, type Sequence, sequenceEvent, triggeredBy } from './shipyard.ts'
import { Subscriptions } from './subscriptions.ts'
import { type AcceptedTask, acceptedTask, followTask } from './task-status.ts'

export interface ControllerOptions {
  files: SequenceFiles
  /** Where the receiver answers, without /v1. */
  url: string
  log: EventLog
  print: (line: string) => void
  secrets: Readonly<Record<string, string>>
  /** The token of `secrets` with which the status of a task is asked for. */
  token: string
  signal: AbortSignal
  pollMs: number
  statusPollMs: number
  startTimeoutMs: number
  patienceMs: number
  approvalService: boolean
  /** Told of each task that the receiver accepts; what it says is a line of the play. */
  onAccepted?: ((task: AcceptedTask, say: (text: string) => void, signal: AbortSignal) => Promise<void>) | undefined
}

/** A task of the sequence and how it stands. */
export interface PlayedTask {
  stage: string
  sequence: string
  name: string
  state: 'running' | 'finished'
  outcome?: Outcome
  /** The tasks that the receiver has accepted for it. */
  accepted: AcceptedTask[]
}

const controller = 'shipyard-controller'

/** Plays the shipyard-controller for one trigger (protocol sections 2 and 6). */
export class ShipyardController {
  readonly context = randomUUID()
  readonly tasks: PlayedTask[] = []
  /** Keptn names the commit of its configuration repository in every event. */
  private readonly gitcommitid = randomBytes(20).toString('hex')
  private readonly options: ControllerOptions
  private readonly journal: Journal
  private readonly ledger: Ledger
  private readonly subscriptions: Subscriptions
  private readonly running = new Map<string, PlayedTask>()
  private readonly ended = new Set<string>()
  /** Calls that no task waits for. */
  private readonly notifications: Promise<void>[] = []
  private failure: unknown

  constructor(options: ControllerOptions) {
    this.options = options
    this.journal = new Journal(options.print, options.secrets)
    const warn = (text: string): void => this.journal.warn(text)
    this.ledger = new Ledger({
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
      send: (event) => this.ledger.send(event),
      call: (argv, event) => this.call(argv, event),
    })
  }

  /** Plays the sequence that the event triggers and all that follow from its end. */
  async play(first: Sequence): Promise<boolean> {
    const { sequences, event } = this.options.files
    const queue: { sequence: Sequence; data: JsonObject }[] = [{ sequence: first, data: event.data }]
    let passed = true
    for (let next = queue.shift(); next; next = queue.shift()) {
      const { data, outcome } = await this.playSequence(next.sequence, { ...next.data, stage: next.sequence.stage })
      passed = passed && outcome.result !== 'fail' && outcome.status === 'succeeded'
      queue.push(...followers(sequences, next.sequence, outcome).map((sequence) => ({ sequence, data })))
    }
    await this.ledger.refresh()
    await Promise.all(this.notifications)
    return passed
  }

  private async playSequence(sequence: Sequence, trigger: JsonObject): Promise<{ data: JsonObject; outcome: Outcome }> {
    const triggered = await this.emit(sequenceEvent(sequence, 'triggered'), trigger)
    const finished: TaskResult[] = []
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

  private async playTask({ stage, name: sequence }: Sequence, name: string, data: JsonObject): Promise<TaskResult> {
    const task: PlayedTask = { stage, sequence, name, state: 'running', accepted: [] }
    this.tasks.push(task)
    const triggered = await this.emit(`sh.keptn.event.${name}.triggered`, data, undefined, (id) =>
      this.running.set(id, task),
    )
    this.watch(await this.subscriptions.deliver(triggered))
    const outcome = await this.untilEnded(triggered, task)
    Object.assign(task, { state: 'finished', outcome })
    this.ended.add(triggered.id)
    return { outcome, data: finishedData(this.ledger.events, triggered.id) }
  }

  private async untilEnded(triggered: KeptnEvent, task: PlayedTask): Promise<Outcome> {
    const deadline = Date.now() + this.options.startTimeoutMs
    for (;;) {
      if (this.failure) throw this.failure
      const { started, outcome } = count(this.ledger.events, triggered.id)
      if (outcome) return outcome
      if (started === 0 && Date.now() >= deadline) return this.giveUp(triggered, task)
      await this.ledger.news(this.options.pollMs)
      await this.ledger.refresh()
    }
  }

  private async giveUp(triggered: KeptnEvent, { name }: PlayedTask): Promise<Outcome> {
    const seconds = this.options.startTimeoutMs / 1000
    const message = `sequence timed out: no ${name}.started within ${seconds} s of ${name}.triggered`
    await this.ledger.send(replyTo(triggered, 'finished', controller, errored(message)))
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
    await this.ledger.send(event)
    return event
  }

  /** Lets work go on beside the play; a fault that nobody expected ends the play. */
  private watch(work: readonly Promise<void>[]): void {
    for (const promise of work) {
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
    // A sequence's own end carries the message of its last task, which has been shown.
    const text = kind === 'finished' && typeof message === 'string' ? shorten(message) : ''
    this.journal.line(own ? '' : '<-', shortType(event.type), ending, text, `(${event.source})`)
    if (kind === 'finished' && this.ended.has(event.triggeredid ?? '')) {
      this.journal.warn(`${shortType(event.type)} came after the task had ended; ignored`)
    }
    if (kind === undefined || kind === 'triggered') return
    const notified = this.notify(event)
    this.watch([notified])
    this.notifications.push(notified)
  }

  private async notify(event: KeptnEvent): Promise<void> {
    await Promise.all(await this.subscriptions.deliver(event))
  }

  private async call(argv: string[], event: KeptnEvent): Promise<Answer> {
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

  /** Stands in for a receiver whose events go elsewhere: makes them from its answers. */
  private async report(task: AcceptedTask, triggered: KeptnEvent, url: string): Promise<void> {
    const source = new URL(url).origin
    const name = taskEvent(triggered.type)?.task ?? ''
    const told = new URL(url).searchParams.get('sendStarted') === 'true'
    if (told) await this.ledger.send(replyTo(triggered, 'started', source))
    const statusUrl = rebase(new URL(task.statusUrl, url).href, this.options.url)
    const { token, signal, statusPollMs: intervalMs } = this.options
    const ask = (): Promise<Response> => fetch(statusUrl, { headers: { authorization: `Bearer ${token}` }, signal })
    const warn = (text: string): void => this.journal.warn(`task ${task.taskId}: ${text}`)
    const data = await followTask(name, ask, { intervalMs, signal, warn })
    await this.ledger.send(replyTo(triggered, 'finished', source, data))
  }
}

/** The sequence that the trigger of these files sets off. */
export const firstSequence = ({ sequences, event }: SequenceFiles): Sequence | undefined =>
  triggeredBy(sequences, event.type)
