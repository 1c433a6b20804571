import type { LambdaClient } from '@aws-sdk/client-lambda'
import { ANSWER_SUFFIX } from '../../../../shared/core/call.ts'
import type { StackFunction } from '../../../aws/running-tasks.ts'
import { categoryOf } from '../../tasks/deployed-tasks.ts'
import { isTask, taskIdOf } from '../../tasks/listed-task.ts'
import type { CallRecord } from '../call-record.ts'
import type { CallStore, StoredCall } from '../call-store.ts'
import type { CallSummary, ViewContext } from '../call-summary.ts'
import { type CallDetail, detailOf, summaryOf, withAsking } from '../call-view.ts'
import { engineTitle } from '../engine-title.ts'
import { parseLogLine } from '../parse-log-line.ts'
import type { PolicyDecisions } from '../policy-decisions.ts'
import { waterfallOf } from '../waterfall.ts'
import { asExecutions, finisherOf, type ReadExecution, readExecution } from './executions.ts'
import { type ListedExecution, newestExecutions } from './list-executions.ts'
import { LOGGED_CALLS, loggedCall } from './logged-call.ts'
import type { LogReader, StoredLine } from './logs.ts'

/** The newest executions of each category, and as many running ones. */
const MAX_TASKS = 100
/** Lambda allows 30 reads per second in an account, and callers need them, too. */
const READS_AT_ONCE = 5
/** Running tasks that one refresh reads again. */
const MAX_RUNNING_READS = 20
/** Pages of a log group that one refresh reads. The next one continues. */
const MAX_PAGES = 5
const MAX_PAGES_OF_CALL = 20
/** CloudWatch may show a line later than newer ones of another stream. */
const LATE_LINES_MS = 60_000
/** Lines after the end of a task: its answer, and those of the finisher. */
const AFTER_END_MS = 600_000
/** The newest executions that are listed after an operator has started one. */
const MAX_STARTED = 5

export interface StackCallsOptions {
  lambda: LambdaClient
  logs: LogReader
  functions: readonly StackFunction[]
  store: CallStore
  /** Receives what the policy decided. */
  decisions: PolicyDecisions
  /** Time of the oldest silent calls, in milliseconds since 1970. */
  since: number
  changed: (calls: CallSummary[]) => void
}

/** The part of a log group that was read. */
interface LogPosition {
  startTime: number
  nextToken: string | undefined
}

/** Reads the calls of a deployed stack: tasks from their executions, other calls from the logs of the webhooks. */
export class StackCalls {
  readonly #options: StackCallsOptions
  /** The executions as they were read, by their ARN. The one that was read first is first. */
  readonly #known = new Map<string, ListedExecution>()
  /** The executions that have sent the answer of a task again, by the id of the task. */
  readonly #answers = new Map<string, Set<string>>()
  /** Log stream of each call without a task. */
  readonly #streams = new Map<string, string>()
  readonly #positions = new Map<string, LogPosition>()
  #refresh: Promise<void> | undefined
  /** The progress of a refresh, or the reason of its failure. Empty if the list is complete. */
  notice = ''

  constructor(options: StackCallsOptions) {
    this.#options = options
  }

  /** Reads what has changed. Never rejects: `notice` has the reason. */
  refresh(): Promise<void> {
    this.#refresh ??= this.#readAll().finally(() => {
      this.#refresh = undefined
    })
    return this.#refresh
  }

  /** Reads a task again that an operator has changed, and what that has started. Never rejects: `notice` has the reason. */
  async readChanged(id: string): Promise<void> {
    const { arn = '' } = this.#options.store.load(id)?.record ?? {}
    const changed = this.#known.get(arn)
    if (!changed) return
    try {
      const { lambda, functions } = this.#options
      const isOfCategory = ({ kind, logicalId }: StackFunction) =>
        kind === 'task' && `${categoryOf(logicalId)}-task` === changed.functionName
      const started: ListedExecution[] = []
      for (const fn of functions.filter(isOfCategory))
        started.push(...(await newestExecutions(lambda, fn, MAX_STARTED)))
      const added = this.#tasksIn(started).filter((execution) => !this.#known.has(execution.arn))
      this.#save(await Promise.all([changed, ...added].map((execution) => this.#readTask(execution))))
    } catch (error) {
      this.notice = `The task cannot be read again: ${(error as Error).message}`
    }
  }

  async #readAll(): Promise<void> {
    const problems: string[] = []
    const attempt = (subject: string, read: Promise<void>) =>
      read.catch((error: Error) => void problems.push(`${subject} cannot be read: ${error.message}`))
    await attempt('Tasks', this.#readTasks())
    await attempt('Silent calls', this.#readLogs())
    this.notice = problems.join(' ')
  }

  async #readTasks(): Promise<void> {
    const { lambda, functions } = this.#options
    const found = new Map<string, ListedExecution>()
    for (const fn of functions.filter(({ kind }) => kind === 'task'))
      for (const statuses of [undefined, ['RUNNING' as const]])
        for (const task of this.#tasksIn(await newestExecutions(lambda, fn, MAX_TASKS, statuses)))
          found.set(task.arn, task)
    const unread = this.#changed(found)
    for (let start = 0; start < unread.length; start += READS_AT_ONCE) {
      this.notice = `Reading tasks: ${start} of ${unread.length}`
      const batch = unread.slice(start, start + READS_AT_ONCE)
      this.#save(await Promise.all(batch.map((execution) => this.#readTask(execution))))
    }
  }

  /** Returns the tasks, and remembers which executions have sent the answer of one again. */
  #tasksIn(executions: readonly ListedExecution[]): ListedExecution[] {
    for (const { arn, name } of executions.filter((execution) => execution.name.includes(ANSWER_SUFFIX)))
      this.#answers.set(taskIdOf(name), new Set(this.#answers.get(taskIdOf(name))).add(arn))
    return executions.filter(({ name }) => isTask(name))
  }

  /** Returns the executions to read: new and ended ones, newest first, and then some of the running ones. */
  #changed(found: ReadonlyMap<string, ListedExecution>): ListedExecution[] {
    const running = [...this.#known.values()].filter(({ status }) => status === 'RUNNING')
    const isSame = ({ arn, status }: ListedExecution) => found.get(arn)?.status === status
    const ended = running.filter((call) => !isSame(call))
    const added = [...found.values()].filter(({ arn }) => !this.#known.has(arn))
    return [
      ...[...added, ...ended].sort((a, b) => b.startedAt - a.startedAt),
      ...running.filter(isSame).slice(0, MAX_RUNNING_READS),
    ]
  }

  async #readTask(listed: ListedExecution): Promise<StoredCall> {
    const { arn, functionName } = listed
    const read = await readExecution(this.#options.lambda, arn, functionName)
    this.#known.delete(arn)
    this.#known.set(arn, { ...listed, status: read.detail.status })
    const record = emptyRecord(read.detail.name, read.detail.startedAt, arn)
    return { record, summary: summaryOf(record, contextOf([read])) }
  }

  async #readLogs(): Promise<void> {
    for (const { logGroup, logicalId } of this.#options.functions.filter(({ kind }) => kind === 'webhook')) {
      const position = this.#positions.get(logGroup) ?? { startTime: this.#options.since, nextToken: undefined }
      const category = categoryOf(logicalId)
      let latest = position.startTime
      for (let pages = 0; pages < MAX_PAGES; pages++) {
        const query = { logGroupName: logGroup, startTime: position.startTime, filterPattern: LOGGED_CALLS }
        const { lines, nextToken } = await this.#options.logs.page(query, position.nextToken)
        for (const { logStreamName, timestamp, message } of lines)
          this.#options.decisions.addLine(`${logStreamName} ${timestamp}`, message, timestamp)
        this.#save(lines.flatMap((line) => this.#loggedCall(line, category)))
        latest = Math.max(latest, ...lines.map(({ timestamp }) => timestamp))
        position.nextToken = nextToken
        if (nextToken !== undefined) continue
        position.startTime = Math.max(position.startTime, latest - LATE_LINES_MS)
        break
      }
      this.#positions.set(logGroup, position)
    }
  }

  #loggedCall(line: StoredLine, category: string): StoredCall[] {
    const summary = loggedCall(line, category)
    if (!summary || this.#streams.has(summary.id)) return []
    this.#streams.set(summary.id, line.logStreamName)
    return [{ record: emptyRecord(summary.id, summary.at), summary }]
  }

  #save(calls: StoredCall[]): void {
    if (calls.length === 0) return
    this.#options.store.save(calls)
    this.#options.changed(calls.map(({ summary }) => summary))
  }

  /** Reads a call with its history and its log. Undefined for an unknown id. @throws errors of the SDK */
  async detail(id: string): Promise<CallDetail | undefined> {
    const stored = this.#options.store.load(id)
    if (!stored) return undefined
    const { record, summary } = stored
    if (record.arn === undefined) {
      const logged = await this.#withLog(record, summary, [])
      const waterfall = waterfallOf({ record: logged.record, operations: [], summary })
      const { outgoing, log, droppedCalls } = logged.record
      const parts = { requests: [], outgoing, log, droppedCalls, notes: [], events: [], waterfall }
      return { ...summary, ...parts, ...logged.problem }
    }
    const { lambda, functions } = this.#options
    const later = [...(this.#answers.get(id) ?? [])]
    const [task, ...answers] = await Promise.all([
      readExecution(lambda, record.arn, `${summary.category}-task`),
      ...later.map((arn) => readExecution(lambda, arn, `${summary.category}-task`)),
    ])
    const finisher = isEndedByLambda(task) ? await finisherOf(lambda, functions, task) : undefined
    const all = [task, ...answers, ...(finisher ? [finisher] : [])]
    const endedAt = Math.max(...all.map(({ detail }) => detail.endedAt ?? Number.POSITIVE_INFINITY))
    const until = Number.isFinite(endedAt) ? endedAt : undefined
    const logged = await this.#withLog(record, { ...summary, endedAt: until }, all)
    const complete = { ...logged.record, later, ...(finisher && { finisher: finisher.detail.arn }) }
    return { ...withAsking(detailOf(complete, contextOf(all), []), this.#options.store), ...logged.problem }
  }

  /** Adds the lines of the log, or returns why they cannot be read. */
  async #withLog(record: CallRecord, summary: CallSummary, executions: readonly ReadExecution[]) {
    try {
      const lines = await this.#linesOf(summary, record.arn !== undefined)
      const steps = executions.flatMap(({ operations }) => operations).filter(({ type }) => type === 'STEP')
      const parsed = lines.map(({ timestamp: at, message: line }) => {
        const step = steps.find(({ startedAt, endedAt = at }) => startedAt <= at && at <= endedAt)
        return parseLogLine({ at, line }, step?.name)
      })
      const outgoing = parsed.flatMap((one) => one?.outgoing ?? [])
      const log = parsed.flatMap((line) => line?.line ?? [])
      return { record: { ...record, outgoing, log }, problem: {} }
    } catch (error) {
      return { record, problem: { logProblem: `The log cannot be read: ${(error as Error).message}` } }
    }
  }

  async #linesOf({ id, category, at, endedAt }: CallSummary, isTask: boolean): Promise<StoredLine[]> {
    const { logs, functions } = this.#options
    if (!isTask) {
      const webhook = functions.find(({ kind, logicalId }) => kind === 'webhook' && categoryOf(logicalId) === category)
      const logStreamNames = [this.#streams.get(id) ?? '']
      const query = {
        logGroupName: webhook?.logGroup ?? '',
        startTime: at,
        endTime: (endedAt ?? at) + 1,
        logStreamNames,
      }
      return logs.lines(query, MAX_PAGES_OF_CALL)
    }
    const groups = functions.filter(({ kind, logicalId }) => kind === 'finisher' || categoryOf(logicalId) === category)
    const lines = await Promise.all(
      groups.map(({ logGroup: logGroupName }) =>
        logs.lines(
          {
            logGroupName,
            startTime: at - LATE_LINES_MS,
            endTime: endedAt === undefined ? undefined : endedAt + AFTER_END_MS,
            filterPattern: `{ $.taskId = "${id}" }`,
          },
          MAX_PAGES_OF_CALL,
        ),
      ),
    )
    return lines.flat().sort((a, b) => a.timestamp - b.timestamp)
  }
}

function emptyRecord(id: string, at: number, arn?: string): CallRecord {
  return { id, at, requests: [], outgoing: [], log: [], droppedCalls: 0, ...(arn !== undefined && { arn }) }
}

function isEndedByLambda({ detail: { status } }: ReadExecution): boolean {
  return status !== 'RUNNING' && status !== 'SUCCEEDED'
}

function contextOf(executions: readonly ReadExecution[]): ViewContext {
  return { cloud: asExecutions(executions), providerOf: () => '', engineOf: engineTitle }
}
