import type { TriedResultView, TriedView } from '../alerts/alerts-view.ts'
import { linkToCall } from './call-link.ts'
import { Code } from './code.tsx'
import { plural } from './format.ts'

interface EffectsProps {
  /** Names the list, for labels that differ from those of another list. */
  label: string
  tried: TriedView
}

/** The effect of each rule on each alert of a notification. */
export function AlertEffects({ label, tried: { problem, results, more } }: EffectsProps) {
  if (problem !== '') return <p class="body pre tone fail">{problem}</p>
  if (results.length === 0)
    return <p class="body muted">No rule is evaluated: the source has none, or the body has no alerts.</p>
  return (
    <>
      <ul class="effects">
        {results.map((result, index) => (
          <Effect key={index} label={label} result={result} />
        ))}
      </ul>
      {more > 0 && (
        <p class="body muted">
          {plural(more, 'more result')}. <code>npx webhooks events test</code> shows all.
        </p>
      )}
    </>
  )
}

function Effect({ label, result }: { label: string; result: TriedResultView }) {
  const { rule, alert, state, key, call, reason, isProblem } = result
  return (
    <li>
      <p class="row">
        <b>{rule}</b>
        <span class="muted">
          alert {alert + 1}
          {state === '' ? '' : `, ${state}`}
        </span>
        <span class="grow" />
        <Outcome result={result} />
      </p>
      {call && (
        <>
          <p>
            {call.action} <span class="muted">with {call.connection}</span>
            {call.closes !== undefined && <span class="muted">, closes what {call.closes} has opened</span>}
            {call.group !== undefined && <span class="muted">, group {call.group}</span>}
          </p>
          <Code label={`${label}: input of ${rule}, alert ${alert + 1}`}>{call.input}</Code>
        </>
      )}
      {reason !== '' && <p class={`tone ${isProblem ? 'fail' : ''}`}>{reason}</p>}
      {key !== '' && (call || isProblem) && <p class="muted small">Key {key}</p>}
    </li>
  )
}

/** The task of the call, or why there is none. */
function Outcome({ result: { call, result, isProblem } }: { result: TriedResultView }) {
  if (isProblem) return <span class="tone fail strong">Problem</span>
  if (!call) return <span class="muted">No call</span>
  if (!result) return <span>Would call</span>
  return result.task === '' ? <span>{result.note}</span> : <a href={linkToCall(result.task)}>Open the call</a>
}
