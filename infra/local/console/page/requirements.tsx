import type { CallDetail } from '../call-view.ts'
import type { PolicyWait } from '../requirements.ts'
import { linkToCall } from './call-link.ts'
import { distance, time } from './format.ts'
import { now } from './live.ts'

type WaitingCall = Pick<CallDetail, 'action' | 'platform' | 'provider' | 'asking'>

/** What the policy requires before the action starts, and what happens then. */
export function RequirementPanels({
  call,
  wait: { requirements, startsAt, until },
}: {
  call: WaitingCall
  wait: PolicyWait
}) {
  return (
    <div class="cols half">
      <section class="panel">
        <header>
          <h3>Required by the policy</h3>
          <a href="#/policy">Rules</a>
        </header>
        <div class="body">
          <ul class="people">
            {requirements.map(({ rule, isMet, text, approval }) => (
              <li key={rule}>
                <b>{rule}</b>
                <span class={isMet ? 'muted' : ''}>
                  {approval ? <a href={linkToCall(approval.taskId)}>{text}</a> : text}
                </span>
              </li>
            ))}
          </ul>
          {call.asking?.map(({ id, text }) => (
            <p key={id} class="question">
              {text}
            </p>
          ))}
          <p class="muted">Nothing was sent to {call.platform || call.provider || 'the platform'} yet.</p>
        </div>
      </section>
      <section class="panel">
        <header>
          <h3>What happens next</h3>
        </header>
        <dl class="body steps">
          {startsAt !== undefined && (
            <div>
              <dt>{time(startsAt)}</dt>
              <dd>
                {call.action} starts {distance(startsAt, now.value)}, if all windows are open then
              </dd>
            </div>
          )}
          <div>
            <dt>{time(until)}</dt>
            <dd>The wait ends {distance(until, now.value)}: the call fails, and nothing was started</dd>
          </div>
        </dl>
      </section>
    </div>
  )
}
