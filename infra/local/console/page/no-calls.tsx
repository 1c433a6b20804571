import { list, problem } from './call-data.ts'
import { hasFilters } from './filters.tsx'
import { plural } from './format.ts'
import { route } from './route.ts'
import { stack } from './stack.ts'

/** What the list shows without calls. */
export function NoCalls() {
  if (problem.value !== '')
    return (
      <p class="empty note fail" role="alert">
        The calls cannot be read: {problem.value}
      </p>
    )
  if (!list.value) return <p class="empty muted">Reading calls</p>
  if (hasFilters(route.value.query))
    return (
      <div class="empty">
        <h2>No call matches these filters</h2>
        <p class="muted">Stored: {plural(list.value.stored, 'call')}.</p>
        <p>
          <a class="btn" href="#/calls">
            Remove all filters
          </a>
        </p>
      </div>
    )
  return (
    <div class="empty">
      <h2>No calls yet</h2>
      {stack ? <p>The newest tasks and silent calls of the stack appear here.</p> : <FirstSteps />}
    </div>
  )
}

function FirstSteps() {
  return (
    <>
      <p>Send an example, or play a sequence, and watch it here.</p>
      <p class="row">
        <a class="btn primary" href="#/send">
          Send an example
        </a>
        <a class="btn" href="#/sequences">
          Play a sequence
        </a>
      </p>
    </>
  )
}
