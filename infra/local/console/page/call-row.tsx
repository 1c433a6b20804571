import type { CallGroup } from '../call-list.ts'
import type { CallSummary } from '../call-summary.ts'
import { linkToCall } from './call-link.ts'
import { age, duration, plural } from './format.ts'
import { now } from './live.ts'
import { linkTo } from './route.ts'
import { Verdict } from './verdict.tsx'

interface Props {
  /** Undefined until it is read. */
  call: CallSummary | undefined
  /** Its place in the list, for the keyboard. */
  number?: number
  isOpen: boolean
  /** The list is one stop of the Tab key. */
  isTabStop: boolean
}

/** A call in the list. */
export function CallRow({ call, number, isOpen, isTabStop }: Props) {
  if (!call) return <div class="call loading" />
  const { id, at, endedAt, verdict, category, action, provider, platform, connection, attempts, failedAttempts } = call
  const tries = failedAttempts > 0 ? (verdict === 'pass' ? 'many' : 'bad') : ''
  return (
    <a
      class="call"
      href={linkToCall(id)}
      data-row={number}
      data-id={id.slice(0, 8)}
      tabIndex={isTabStop || isOpen ? 0 : -1}
      aria-current={isOpen ? 'true' : undefined}
    >
      <Verdict of={verdict} />
      <span class="two act">
        <span>{action}</span>
        <span>{category}</span>
      </span>
      <span class="two plain prov">
        <span>{platform || provider}</span>
        <span>{connection}</span>
      </span>
      <span class="msg">{messageOf(call)}</span>
      <span class="two plain orch">
        <span>{[call.engine, call.task].filter(Boolean).join(' · ') || (call.mode === 'silent' ? 'silent' : '')}</span>
        <span>{call.place || call.context.slice(0, 8)}</span>
      </span>
      <span class={`n tries ${tries}`}>{attempts}</span>
      <span class="n dur">{duration((endedAt ?? now.value) - at)}</span>
      <span class="n age">{age(now.value - at)}</span>
    </a>
  )
}

/** The message of a call, or what it waits for. */
export function messageOf({ text, reason, until, verdict }: CallSummary): string {
  if (verdict === 'retrying' && until !== undefined) {
    const wait = until > now.value ? `Next attempt in ${duration(until - now.value)}` : 'Next attempt now'
    return reason === undefined ? wait : `${wait}: ${reason}`
  }
  return text
}

/** The head of a group: what its calls have in common, and how each ended. */
export function GroupRow({ context, total, calls }: CallGroup) {
  const [newest] = calls
  const oldest = calls.at(-1)
  const title = context === '' ? 'Without a context' : [newest?.engine, newest?.place].filter(Boolean).join(' · ')
  return (
    <div class="group">
      <strong class="cut">
        {context === '' ? title : <a href={linkTo(['calls'], { context })}>{title || context.slice(0, 8)}</a>}
      </strong>
      <span class="mini">
        {calls.toReversed().map(({ id, verdict, action }) => (
          <i key={id} class={verdict} title={action} />
        ))}
      </span>
      <span class="grow" />
      <span class="muted nowrap">
        {plural(total, 'call')}
        {context === '' || !oldest ? '' : `, ${age(now.value - oldest.at)} ago`}
      </span>
    </div>
  )
}
