import type { CallStore, StoredCall } from '../../../../infra/local/console/call-store.ts'
import type { CallSummary, CallVerdict } from '../../../../infra/local/console/call-summary.ts'

/** A word in the message of exactly one of many calls. */
export const RARE_WORD = 'needle'

const VERDICTS: CallVerdict[] = ['pass', 'pass', 'pass', 'warning', 'fail', 'errored', 'refused', 'aborted']
const ACTIONS = [
  ['issue-ticketing', 'open-issue', 'github'],
  ['ci-cd', 'trigger-deployment', 'gitlab-ci'],
  ['load-testing', 'start-test', 'k6-operator'],
  ['slo', 'request-evaluation', 'dynatrace'],
] as const
const BATCH = 1_000
const INTERVAL_MS = 10_000

/** Returns the summary of a call, with these fields. */
export function summaryWith(fields: Partial<CallSummary> & Pick<CallSummary, 'id' | 'at'>): CallSummary {
  return {
    endedAt: fields.at + 300,
    verdict: 'pass',
    category: 'ci-cd',
    action: 'start-test',
    provider: '',
    platform: '',
    connection: 'default',
    mode: 'silent',
    caller: 'demo',
    orchestrator: '',
    engine: '',
    context: '',
    place: '',
    task: '',
    text: '',
    attempts: 1,
    failedAttempts: 0,
    answer: 'none',
    ...fields,
  }
}

/** Returns a call that is stored with this summary. */
export function storedCall(summary: CallSummary): StoredCall {
  return { record: { id: summary.id, at: summary.at, requests: [], outgoing: [], log: [], droppedCalls: 0 }, summary }
}

/** Saves many calls. Number 0 is the newest one, and the one in the middle has the rare word. */
export function saveManyCalls(store: CallStore, count: number, newestAt: number): void {
  for (let start = 0; start < count; start += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, count - start) }, (_, index) => start + index)
    store.save(numbers.map((number) => storedCall(summaryOf(number, count, newestAt))))
  }
}

function summaryOf(number: number, count: number, newestAt: number): CallSummary {
  const [category, action, provider] = ACTIONS[number % ACTIONS.length] ?? ACTIONS[0]
  const at = newestAt - number * INTERVAL_MS
  return summaryWith({
    id: `${number.toString(16).padStart(8, '0')}-call`,
    at,
    category,
    action,
    provider,
    verdict: VERDICTS[number % VERDICTS.length] ?? 'pass',
    context: `context-${Math.floor(number / 5)}`,
    text: `Call number ${number} of the sequence has ended${number === Math.floor(count / 2) ? `: ${RARE_WORD}` : ''}`,
  })
}
