import {
  type CallbackOptions,
  type CheckpointDurableExecutionRequest,
  type CheckpointDurableExecutionResponse,
  type DurableExecutionClient,
  DurableExecutionInvocationInputWithClient,
  type DurableLambdaHandler,
  type ErrorObject,
  InvocationStatus,
  type OperationUpdate,
  type WireOperation,
} from '@aws/durable-execution-sdk-js'
import type { TestResult } from '@aws/durable-execution-sdk-js-testing'
import { LocalDurableTestRunner, passTime } from './runner.ts'

/** A checkpoint during which the process of the function ends once, as if it was killed. */
export interface Interruption {
  /** The number of the checkpoint, from 0, or an update in it, such as `start SUCCEED`. */
  checkpoint: number | string
  /** Whether Lambda recorded the checkpoint. */
  isRecorded: boolean
  /** `crash`: Lambda invokes the function again. `end`: Lambda ends the execution, which sends nothing from then on. */
  effect: 'crash' | 'end'
  /** Called before Lambda invokes the function again. */
  meanwhile?: (() => Promise<void>) | undefined
}

export interface ExecutionOptions {
  interruption?: Interruption | undefined
  /** Called before a checkpoint, such as `poll RETRY`, is recorded. */
  onCheckpoint?: ((checkpoint: string) => Promise<void>) | undefined
  /** Called when the task waits for nothing but a callback. If the callback stays open, it times out. */
  onWait?: ((name: string) => Promise<void>) | undefined
}

interface OpenCallback {
  name: string
  /** Epoch milliseconds. */
  timesOutAt: number
}

/** More than any test needs. An execution that never ends fails, instead of running until the timeout of the test. */
const MAX_CHECKPOINTS = 1_500
/** The error of an execution that Lambda ended. */
const ENDED: ErrorObject = { ErrorType: 'Ended', ErrorMessage: 'Lambda ended the execution' }
/** The error that replaces a timeout of the runner, which waits for it in real time. */
const TIMEOUT: ErrorObject = { ErrorType: 'Callback.Timeout', ErrorMessage: 'Callback timed out' }

/**
 * An execution of a durable function under AWS's test runner. Adds what the runner lacks: the clock moves by each delay of
 * the execution, callbacks time out without waiting, and an invocation can crash.
 */
export class Execution<Result> {
  /** Each recorded checkpoint, such as `start START, start SUCCEED`. */
  readonly checkpoints: string[] = []
  readonly #runner: LocalDurableTestRunner<Result>
  readonly #handler: DurableLambdaHandler
  readonly #options: ExecutionOptions
  readonly #startedAt = new Date()
  #isInterrupted = false
  readonly #openCallbacks = new Map<string, OpenCallback>()
  /** The responses to the callbacks that the execution has waited for, by callback id. */
  readonly #responses = new Map<string, Promise<void>>()
  /** The callbacks for which the execution would wait forever. */
  readonly #endless: string[] = []

  constructor(handler: DurableLambdaHandler, options: ExecutionOptions = {}) {
    this.#handler = handler
    this.#options = options
    this.#runner = new LocalDurableTestRunner({ handlerFunction: (event, context) => this.#invoke(event, context) })
  }

  async run(payload: unknown): Promise<TestResult<Result>> {
    const result = await this.#runner.run({ payload })
    await Promise.all(this.#responses.values())
    if (this.#endless.length > 0) throw new Error(`The execution never ends: it waits only for ${this.#endless}.`)
    return result
  }

  /** @returns false if no callback with this id is open */
  async completeCallback(id: string, result: string): Promise<boolean> {
    const callback = this.#openCallbacks.get(id)
    if (!callback) return false
    this.#openCallbacks.delete(id)
    const operation = await this.#runner.getOperation(callback.name).waitForData()
    await operation.sendCallbackSuccess(result)
    return true
  }

  /** Invokes the function, and again after a crash, with the operations that are recorded. */
  async #invoke(event: Parameters<DurableLambdaHandler>[0], context: Parameters<DurableLambdaHandler>[1]) {
    if (!DurableExecutionInvocationInputWithClient.isInstance(event))
      throw new Error('The runner passes its client in the event.')
    const { durableExecutionClient: client, ...input } = event
    for (let state = input.InitialExecutionState; ; ) {
      const crashed = Promise.withResolvers<undefined>()
      const operations = state.Operations.map((operation) => this.#atClock(asTimedOut(operation)))
      const result = await Promise.race([
        this.#handler(
          new DurableExecutionInvocationInputWithClient(
            { ...input, InitialExecutionState: { ...state, Operations: operations } },
            this.#watch(client, () => crashed.resolve(undefined)),
          ),
          context,
        ),
        crashed.promise,
      ])
      const recorded = await client.getExecutionState({ ...input, Marker: '' })
      if (result?.Status === InvocationStatus.PENDING) {
        this.#onSuspended(recorded.Operations ?? [])
        return result
      }
      const isEnded = this.#options.interruption?.effect === 'end'
      if (result || isEnded) {
        await this.#waitForPolls(client, input)
        return result ?? { Status: InvocationStatus.FAILED, Error: ENDED }
      }
      state = { Operations: recorded.Operations ?? [], NextMarker: '' }
    }
  }

  /** Waits until the runner has polled all records, because it stops when the execution ends. */
  async #waitForPolls(client: DurableExecutionClient, input: { DurableExecutionArn: string; CheckpointToken: string }) {
    // The first poll may already be on its way.
    for (let polls = 0; polls < 2; polls++) {
      await new Promise((resolve) => setImmediate(resolve))
      await client.getExecutionState({ ...input, Marker: '' })
    }
  }

  /** The runner does not know that the clock was moved. */
  #atClock(operation: WireOperation): WireOperation {
    return operation.Type === 'EXECUTION' ? { ...operation, StartTimestamp: this.#startedAt } : operation
  }

  /** Returns a client of one invocation. After the crash, its requests get no response. */
  #watch(client: DurableExecutionClient, crash: () => void): DurableExecutionClient {
    let isCrashed = false
    const never = () => new Promise<never>(() => {})
    return {
      getExecutionState: (request, logger) => client.getExecutionState(request, logger),
      checkpoint: async (request, logger) => {
        if (isCrashed) return never()
        const { interruption } = this.#options
        const names = [this.checkpoints.length, ...namesOf(request)]
        isCrashed = !this.#isInterrupted && names.some((name) => name === interruption?.checkpoint)
        this.#isInterrupted ||= isCrashed
        if (isCrashed && !interruption?.isRecorded) {
          this.checkpoints.push('not recorded')
          await interruption?.meanwhile?.()
          crash()
          return never()
        }
        const response = await this.#record(client, request, logger)
        if (!isCrashed) return response
        await interruption?.meanwhile?.()
        crash()
        return never()
      },
    }
  }

  async #record(
    client: DurableExecutionClient,
    request: CheckpointDurableExecutionRequest,
    logger: Parameters<DurableExecutionClient['checkpoint']>[1],
  ): Promise<CheckpointDurableExecutionResponse> {
    const updates = request.Updates ?? []
    if (this.checkpoints.length > MAX_CHECKPOINTS) throw new Error('The execution does not end.')
    const checkpoint = namesOf(request).join(', ')
    await this.#options.onCheckpoint?.(checkpoint)
    this.checkpoints.push(checkpoint)
    for (const update of updates) passTime(delayOf(update))
    const response = await client.checkpoint({ ...request, Updates: updates.map(withoutTimeout) }, logger)
    const operations = response.NewExecutionState?.Operations ?? []
    for (const { Id, Name = '', CallbackDetails } of operations) {
      const { CallbackOptions: options } = updates.find((update) => update.Id === Id && update.CallbackOptions) ?? {}
      if (options && CallbackDetails?.CallbackId)
        this.#openCallbacks.set(CallbackDetails.CallbackId, { name: Name, timesOutAt: timeoutOf(options) })
    }
    return { ...response, NewExecutionState: { Operations: operations.map(asTimedOut) } }
  }

  /** Lets people respond, or the callback time out, if the execution waits for nothing else. */
  #onSuspended(operations: WireOperation[]): void {
    const isBusy = operations.some(({ Type, Status }) => Type !== 'EXECUTION' && Type !== 'CALLBACK' && isOpen(Status))
    const [open] = this.#openCallbacks
    if (!open || isBusy) return
    const [id, callback] = open
    if (!this.#responses.has(id)) this.#responses.set(id, this.#respond(id, callback))
  }

  async #respond(id: string, { name, timesOutAt }: OpenCallback): Promise<void> {
    // After the runner has seen that the invocation ended.
    await new Promise((resolve) => setImmediate(resolve))
    try {
      await this.#options.onWait?.(name)
    } finally {
      if (this.#openCallbacks.delete(id)) {
        if (timesOutAt === Number.POSITIVE_INFINITY) this.#endless.push(name)
        else passTime((timesOutAt - Date.now()) / 1_000)
        const operation = await this.#runner.getOperation(name).waitForData()
        await operation.sendCallbackFailure(TIMEOUT)
      }
    }
  }
}

/** Returns the name and the status of each operation, in the order in which they started. */
export function operationsOf(result: TestResult<unknown>): string[] {
  return result.getOperations().map((operation) => {
    const isTimedOut = operation.getOperationData()?.CallbackDetails?.Error?.ErrorType === TIMEOUT.ErrorType
    return `${operation.getName()} ${isTimedOut ? 'TIMED_OUT' : operation.getStatus()}`
  })
}

function namesOf({ Updates = [] }: CheckpointDurableExecutionRequest): string[] {
  return Updates.map(({ Name, Action }) => `${Name} ${Action}`)
}

function isOpen(status: string | undefined): boolean {
  return status === 'STARTED' || status === 'PENDING' || status === 'READY'
}

function asTimedOut(operation: WireOperation): WireOperation {
  return operation.CallbackDetails?.Error?.ErrorType === TIMEOUT.ErrorType
    ? { ...operation, Status: 'TIMED_OUT' }
    : operation
}

/** The runner would wait for the timeout in real time. */
function withoutTimeout(update: OperationUpdate): OperationUpdate {
  const { CallbackOptions: _, ...rest } = update
  return update.CallbackOptions?.TimeoutSeconds === undefined ? update : rest
}

function timeoutOf({ TimeoutSeconds = Number.POSITIVE_INFINITY }: CallbackOptions): number {
  return Date.now() + TimeoutSeconds * 1_000
}

function delayOf({ Action, StepOptions, WaitOptions }: OperationUpdate): number {
  if (Action === 'RETRY') return StepOptions?.NextAttemptDelaySeconds ?? 0
  return WaitOptions?.WaitSeconds ?? 0
}

/** Returns the interruptions of an execution: before and after each checkpoint is recorded. */
export function interruptions(checkpoints: readonly string[], effect: Interruption['effect']) {
  return checkpoints.flatMap((name, checkpoint) =>
    [false, true].map((isRecorded) => ({
      name: `${checkpoint}: ${isRecorded ? 'after' : 'before'} ${name} is recorded`,
      interruption: { checkpoint, isRecorded, effect },
    })),
  )
}
