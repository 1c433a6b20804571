import type { ComponentChildren } from 'preact'
import type { CallDetail } from '../call-view.ts'
import { linkToCall } from './call-link.ts'
import { clock, distance, duration, plural, time } from './format.ts'
import { now } from './live.ts'
import { linkTo } from './route.ts'

/** When a call arrived, for whom, and how it stands. */
export function Facts({ call }: { call: CallDetail }) {
  const { at, endedAt, engine, context, place, task, caller, requests, attempts, failedAttempts, deadlineAt } = call
  const { reminderAt } = call.approval ?? {}
  const origin = call.rerunOf ?? requests[0]?.headers['x-rerun-of']
  const running = endedAt === undefined
  return (
    <dl class="facts">
      <Fact name="For">
        <span>
          {engine || (call.mode === 'silent' ? 'a silent call' : 'polling')}
          {context !== '' && (
            <>
              {' · '}
              <a href={linkTo(['calls'], { context, group: 'sequence' })}>{task || 'same context'}</a>
            </>
          )}
        </span>
        {place}
      </Fact>
      <Fact name="Received">
        <time dateTime={new Date(at).toISOString()}>{time(at)}</time>
        {caller === '' ? '' : `by caller ${caller}`}
        {origin !== undefined && <a href={linkToCall(origin)}>runs {origin.slice(0, 8)} again</a>}
      </Fact>
      {reminderAt !== undefined ? (
        <Fact name="Reminder">
          {time(reminderAt)}
          {`${distance(reminderAt, now.value)}, if no one has decided`}
        </Fact>
      ) : (
        <Fact name={running ? 'Attempts' : 'Duration'}>
          <span class="strong">
            {running ? (call.policyWait ? 'None yet' : plural(attempts, 'attempt')) : duration(endedAt - at)}
            {failedAttempts > 0 && `, ${failedAttempts} failed`}
          </span>
          {running ? `${call.policyWait ? 'waiting' : 'running'} for ${duration(now.value - at)}` : ended(call)}
        </Fact>
      )}
      {call.policyWait ? (
        <Fact name="Waits at most until">
          <span class="strong">{time(call.policyWait.until)}</span>
          {`${distance(call.policyWait.until, now.value)}, then it fails`}
        </Fact>
      ) : running && deadlineAt !== undefined ? (
        <Fact name="Deadline">
          <span class="strong">{time(deadlineAt)}</span>
          {`${distance(deadlineAt, now.value)}, then ${call.verdict === 'waiting' ? 'it counts as rejected' : 'errored'}`}
        </Fact>
      ) : (
        <Fact name="Answer">
          <span class="strong">{answerWords[call.answer]}</span>
          {call.answeredAt === undefined || call.answer === 'none' ? '' : time(call.answeredAt)}
        </Fact>
      )}
    </dl>
  )
}

const answerWords: Record<CallDetail['answer'], string> = {
  none: 'In the response',
  pending: 'Not yet',
  sent: 'Answered once',
  unwanted: 'No longer wanted',
  lost: 'Not delivered: its address is lost',
}

function ended({ endedAt }: CallDetail): string {
  return endedAt === undefined ? '' : `ended at ${clock(endedAt)}`
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  const [first, ...more] = Array.isArray(children) ? children : [children]
  return (
    <div>
      <dt>{name}</dt>
      <dd>{first}</dd>
      {more.filter(Boolean).map((detail, index) => (
        <dd key={index} class="muted small">
          {detail}
        </dd>
      ))}
    </div>
  )
}
