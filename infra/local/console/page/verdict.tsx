import type { CallVerdict } from '../call-summary.ts'
import { Icon } from './icons.tsx'

/** Each verdict in words, in the order of the filter. */
export const verdictWords: Record<CallVerdict, string> = {
  running: 'Running',
  retrying: 'Retrying',
  waiting: 'Waiting for approval',
  asking: 'Asks for approval',
  pass: 'Passed',
  warning: 'Warning',
  fail: 'Failed',
  errored: 'Error',
  aborted: 'Canceled',
  refused: 'Refused',
}

/** A verdict as a symbol, a word and a color. */
export function Verdict({ of, withWord = true }: { of: CallVerdict; withWord?: boolean }) {
  return (
    <span class={`v ${of}`}>
      <Icon name={of} />
      <span class={withWord ? undefined : 'visually-hidden'}>{verdictWords[of]}</span>
    </span>
  )
}

/** The status of an HTTP response. Only failures have a color. */
export function Status({ of }: { of: number | undefined }) {
  const isBad = of === undefined || of >= 400
  return <span class={isBad ? 'status fail' : 'status'}>{of ?? 'none'}</span>
}
