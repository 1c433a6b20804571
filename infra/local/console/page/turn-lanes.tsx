import type { TurnLane } from '../turn-lanes.ts'
import { linkToCall } from './call-link.ts'
import { distance } from './format.ts'
import { now } from './live.ts'

/** A lane for each target with turns: first the call that has the turn, then those that wait. */
export function TurnLanes({ lanes }: { lanes: readonly TurnLane[] }) {
  if (lanes.length === 0) return null
  return (
    <section class="panel">
      <header class="wrap">
        <h2>One at a time</h2>
        <span class="muted">the call that has the turn for each target, and those that wait, in their order</span>
      </header>
      <ul class="lanes">
        {lanes.map(({ target, rule, holder, waiting }) => (
          <li key={`${rule} ${target}`}>
            <p>
              <b>{target}</b> <span class="muted">{rule}</span>
            </p>
            <ol>
              {holder && (
                <li>
                  <a class="chip on" href={linkToCall(holder.call)}>
                    {holder.caller} {holder.call.slice(0, 8)}
                  </a>{' '}
                  <span class="muted small">ends {distance(holder.until, now.value)} at the latest</span>
                </li>
              )}
              {waiting.map(({ call, caller }) => (
                <li key={call}>
                  <a class="chip" href={linkToCall(call)}>
                    {caller} {call.slice(0, 8)}
                  </a>
                </li>
              ))}
            </ol>
          </li>
        ))}
      </ul>
    </section>
  )
}
