import { retryLater } from '../../../shared/errors.ts'
import type { Answer } from '../../../shared/orchestrators/orchestrator.ts'
import { errored, type Outcome, passed } from '../../../shared/outcome.ts'

const link = 'https://ci.example.com/42'

/** An outcome of each verdict. */
export const OUTCOMES: Record<string, Outcome> = {
  pass: passed('Deployed 1.2', { id: '42', url: link }, { 'ci 42': link }),
  warning: { ...passed('Deployed 1.2'), result: 'warning' },
  fail: { ...passed('2 tests failed'), result: 'fail' },
  errored: errored(retryLater('The platform answered 500')),
  aborted: { ...passed('Canceled by ci'), status: 'aborted', result: 'fail' },
}

export const TOO_LARGE = passed('x'.repeat(100_000), { id: '42', log: 'y'.repeat(300_000) })

/** Returns the answer with the result of a task. */
export function finished(outcome = OUTCOMES['pass'] as Outcome): Answer {
  return { kind: 'finished', outcome }
}
