import { engines, targetOf } from '../../infra/sandbox/engines/index.ts'
import type { Ending } from '../../infra/sandbox/engines/runs.ts'
import type { Entry } from './call-records.ts'
import type { Span } from './child.ts'
import type { PlatformRecords } from './platform-records.ts'
import type { Claim, Violation } from './verify.ts'

/** The figures of one engine. */
export interface EngineFigures {
  title: string
  accepted: number
  answered: number
  /** The engine stopped waiting before it had a result. */
  gone: number
  /** The number of these whose task recorded that. */
  recorded: number
  /** Answers that the engine had already. */
  duplicates: number
  /** Requests with a fault. */
  faults: number
}

/** The time from a deadline until the last attempt to send a result that the engine does not want. */
const ANSWER_MS = 30_000

/**
 * Compares the results that the engines recorded with the status of the tasks.
 *
 * @param interruptions the times in which the runtime or a worker was killed
 */
export function verifyEngines(
  entries: Iterable<Entry>,
  records: PlatformRecords,
  interruptions: readonly Span[],
): { violations: Violation[]; engines: EngineFigures[] } {
  const violations: Violation[] = []
  const runs = new Map(records.engineRuns().map((run) => [run.id, run]))
  const requests = records.requests()
  const figures = new Map<string, EngineFigures>()
  for (const engine of engines) {
    const faults = requests.filter(({ target, fault }) => target === targetOf(engine) && fault !== null).length
    const none = { accepted: 0, answered: 0, gone: 0, recorded: 0, duplicates: 0 }
    figures.set(engine.name, { title: engine.title, ...none, faults })
  }

  for (const { call, accepted, status } of entries) {
    const run = call.engine && runs.get(call.id)
    const engine = engines.find(({ name }) => name === call.engine?.name)
    const counts = engine && figures.get(engine.name)
    if (!run || !engine || !counts) continue
    const wrong = (claim: Claim, detail: string) =>
      void violations.push({ claim, id: call.id, detail: `${engine.name}: ${detail}` })
    if (run.contradictions > 0) wrong('answered', `${run.contradictions} answers differ from the first one`)
    if (!accepted) continue
    counts.accepted += 1
    if (status === undefined || status.verdict === 'running') {
      wrong('answered', `the status of the task is ${JSON.stringify(status)}`)
      continue
    }
    const answers = records.engineAnswers(call.id)
    const finals = answers.filter(({ what, status: code }) => code < 300 && !engine.repeats?.includes(what))
    counts.duplicates += finals.length - new Set(finals.map(({ what }) => what)).size
    if (run.ending) {
      counts.answered += 1
      // The API of an engine may only know whether it passed. An engine that polls reads the verdict itself.
      const isSame = engine.platform ? isPass(run.ending) === isPass(status) : run.ending.verdict === status.verdict
      if (!isSame) wrong('answered', `it got ${run.ending.verdict}, and the task ended with ${status.verdict}`)
      continue
    }
    if (!run.isGone) {
      wrong('answered', `no result, and the task ended with ${status.verdict}`)
      continue
    }
    counts.gone += 1
    if (status.unanswered === 'unwanted') counts.recorded += 1
    // After a request without a response, the task cannot know whether the engine has its answer.
    else if (engine.platform && !isInterrupted(targetOf(engine), accepted.at, call.deadline))
      wrong('gone', `the engine no longer waits, and the task does not record it`)
  }
  return { violations, engines: [...figures.values()].filter((one) => one.accepted > 0) }

  function isInterrupted(engine: string, from: number, deadline: number): boolean {
    const to = from + deadline * 1_000 + ANSWER_MS
    const hasFault = requests.some(({ target, at, fault }) => target === engine && fault && at >= from && at <= to)
    return hasFault || interruptions.some(({ start, end }) => end >= from && start <= to)
  }
}

function isPass({ verdict }: { verdict: string } | Ending): boolean {
  return verdict === 'pass' || verdict === 'warning'
}
