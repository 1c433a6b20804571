import { afterAll, beforeEach } from '@jest/globals'
import type { Call, Served } from '../../../infra/testing/loopback-server.ts'
import { parseEvent } from '../../../shared/orchestrators/event/event.ts'
import { loadOrchestratorType } from '../../../shared/orchestrators/index.ts'
import type {
  Answer,
  AnsweredTask,
  Orchestrator,
  OrchestratorType,
} from '../../../shared/orchestrators/orchestrator.ts'
import { clearSecrets, registerSecret } from '../../../shared/redact.ts'
import { startOnce } from '../../functions/helpers.ts'
import type { OrchestratorSubject, StartedEngine } from './options.ts'

export type ParsedCall = ReturnType<Orchestrator['parse']>

/** A type of orchestrator with a fake engine, which starts before the first test and is reset before each test. */
export class OrchestratorFixture<S extends Served = Served> {
  readonly type: string
  readonly subject: OrchestratorSubject<S>
  /** The engine of the current test. */
  readonly server: S
  #engine: StartedEngine<S> | undefined
  #kind: OrchestratorType | undefined

  constructor(type: string, subject: OrchestratorSubject<S>) {
    this.type = type
    this.subject = subject
    this.server = startOnce(() => this.#start())
    afterAll(clearSecrets)
    beforeEach(() => {
      this.#engine?.reset?.()
      this.#engine?.server.recover()
      this.#engine?.server.calls.splice(0)
    })
  }

  get engine(): StartedEngine<S> | undefined {
    return this.#engine
  }

  /** The requests that the engine has received. */
  get calls(): Call[] {
    return this.#engine?.server.calls ?? []
  }

  /** Returns what is wrong with settings in addition to those of the engine. */
  problemsOf(settings: object): string[] {
    const { error } = this.#type.secret?.safeParse(this.#settingsWith(settings)) ?? {}
    return error?.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(' ')) ?? []
  }

  connect(settings: object = {}): Orchestrator {
    return this.#type.connect(this.#type.secret?.parse(this.#settingsWith(settings)) ?? {})
  }

  parse(fields: Record<string, unknown>, headers = this.subject.headers ?? {}, settings: object = {}): ParsedCall {
    const event = parseEvent(fields)
    return this.connect(settings).parse({
      event,
      body: fields,
      headers: lowerCase(headers),
      replyTo: this.subject.replyTo,
    })
  }

  task(): AnsweredTask {
    const {
      replyTo,
      isDetailed: _,
      hasObservers: __,
      needsPause: _____,
      maxDeadline: ___,
      maxProgress: ____,
      ...origin
    } = this.parse(this.subject.body)
    return {
      id: 'a'.repeat(40),
      caller: 'demo',
      category: 'load-testing',
      action: 'start-test',
      linksAsLabels: true,
      origin,
      replyTo,
      apiUrl: 'https://webhooks.example.com/v1/load-testing',
    }
  }

  send(answer: Answer, uncertainAttempts = 0, settings: object = {}): ReturnType<Orchestrator['send']> {
    return this.connect(settings).send(this.task(), answer, uncertainAttempts)
  }

  readonly isAnswer = (call: Call): boolean => this.#engine?.kindOf(call) !== undefined

  /** Returns the kinds of the distinct answers that the engine has received. */
  received(): string[] {
    const answers = this.calls.filter(this.isAnswer)
    const byIdentity = new Map(
      answers.map((call) => [this.#engine?.identityOf(call), String(this.#engine?.kindOf(call))]),
    )
    return [...byIdentity.values()]
  }

  async #start(): Promise<S> {
    this.#kind = this.subject.type ?? (await loadOrchestratorType(this.type))
    this.#engine = await this.subject.start?.()
    for (const value of this.#engine?.secrets ?? []) registerSecret(value)
    return this.#engine?.server ?? ({ close: async () => undefined } as unknown as S)
  }

  get #type(): OrchestratorType {
    if (!this.#kind) throw new Error('The type is loaded before the first test.')
    return this.#kind
  }

  #settingsWith(settings: object) {
    return { type: this.type, ...this.#engine?.settings, ...settings }
  }
}

function lowerCase(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
