import { list, showFresh } from './call-data.ts'
import { isCompact, setDensity } from './density.ts'
import { Filters } from './filters.tsx'
import { count } from './format.ts'
import { Icon } from './icons.tsx'
import { isPaused } from './live.ts'
import { linkTo, route, setQuery } from './route.ts'

function pause(): void {
  isPaused.value = !isPaused.value
  if (!isPaused.value) showFresh()
}

/** The search, the arrangement and the filters of the list. */
export function Tools({ isGrouped }: { isGrouped: boolean }) {
  const { running = 0, waiting = 0, failed = 0 } = list.value ?? {}
  return (
    <div class="tools">
      {list.value?.notice && (
        <p class="note" role="status">
          {list.value.notice}
        </p>
      )}
      <div class="row">
        <div class="search">
          <label class="visually-hidden" for="q">
            Search calls
          </label>
          <Icon name="search" />
          <input
            class="field"
            id="q"
            type="search"
            placeholder="Search message, id or context"
            autocomplete="off"
            value={route.value.query.get('q') ?? ''}
            onInput={({ currentTarget }) => setQuery({ q: currentTarget.value })}
          />
          <kbd>/</kbd>
        </div>
        <Arrange isGrouped={isGrouped} />
        <button type="button" class="btn quiet desk" aria-pressed={isPaused.value} onClick={pause}>
          <Icon name={isPaused.value ? 'play' : 'pause'} />
          {isPaused.value ? 'Continue' : 'Pause'}
        </button>
      </div>
      <div class="row hscroll">
        <Filters />
        <span class="grow" />
        <span class="tallies">
          <Tally verdict="running" value="running,retrying" text={`${count(running)} running`} />
          <Tally verdict="waiting" value="waiting" text={`${count(waiting)} waiting`} />
          <Tally verdict="fail" value="fail,errored" text={`${count(failed)} failed`} />
        </span>
      </div>
    </div>
  )
}

function Arrange({ isGrouped }: { isGrouped: boolean }) {
  return (
    <>
      <fieldset class="seg">
        <legend class="visually-hidden">Arrange</legend>
        <button type="button" aria-pressed={!isGrouped} onClick={() => setQuery({ group: undefined })}>
          By time
        </button>
        <button type="button" aria-pressed={isGrouped} onClick={() => setQuery({ group: 'sequence' })}>
          By sequence
        </button>
      </fieldset>
      <fieldset class="seg desk">
        <legend class="visually-hidden">Density</legend>
        <button type="button" aria-pressed={!isCompact.value} onClick={() => setDensity(false)}>
          Comfortable
        </button>
        <button type="button" aria-pressed={isCompact.value} onClick={() => setDensity(true)}>
          Compact
        </button>
      </fieldset>
    </>
  )
}

function Tally({ verdict, value, text }: { verdict: string; value: string; text: string }) {
  const since = route.value.query.get('since') ?? undefined
  return (
    <a class={`tally ${verdict}`} href={linkTo(['calls'], { verdict: value, since })}>
      <Icon name={verdict} />
      {text}
    </a>
  )
}
