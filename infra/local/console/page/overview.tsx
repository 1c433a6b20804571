import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Overview as OverviewData } from '../overview.ts'
import { get, messageOf } from './api.ts'
import { age, axisTime, count, percent, zone } from './format.ts'
import { listen, now, throttle } from './live.ts'
import { Outcomes } from './overview-chart.tsx'
import { Approvals, Durations, Platforms, Reasons, Sources } from './overview-tables.tsx'
import { linkTo, route } from './route.ts'

const periods: Record<string, string> = { 1: '1 hour', 24: '24 hours', 168: '7 days', 672: '28 days' }
const REFRESH_MS = 10_000

const overview = signal<OverviewData | undefined>(undefined)
const problem = signal('')

async function read(hours: string): Promise<void> {
  try {
    overview.value = await get<OverviewData>(`/console/overview?hours=${encodeURIComponent(hours)}`)
    problem.value = ''
  } catch (error) {
    problem.value = messageOf(error)
  }
}

/** How the calls of a period ended, and what needs attention. */
export function Overview() {
  const hours = route.value.query.get('hours') ?? '24'
  useEffect(() => {
    void read(hours)
    const again = throttle(() => void read(hours), REFRESH_MS)
    const stops = [listen('calls', again), listen('ready', () => void read(hours))]
    return () => {
      for (const stop of stops) stop()
    }
  }, [hours])
  const shown = overview.value
  return (
    <div class="page">
      <div class="pagehead">
        <h1>Overview</h1>
        <nav class="seg" aria-label="Period">
          {Object.entries(periods).map(([value, text]) => (
            <a
              key={value}
              href={linkTo(['overview'], { hours: value })}
              aria-current={value === hours ? 'true' : undefined}
            >
              {text}
            </a>
          ))}
        </nav>
        <span class="grow" />
        {shown && (
          <span class="muted">
            {axisTime(shown.from, shown.to - shown.from)} to now, {zone()}
          </span>
        )}
      </div>
      {problem.value !== '' && (
        <p class="note fail" role="alert">
          {problem.value}
        </p>
      )}
      {shown && <Panels overview={shown} since={`${Number(hours)}h`} />}
    </div>
  )
}

function Panels({ overview: shown, since }: { overview: OverviewData; since: string }) {
  return (
    <>
      <Stats overview={shown} since={since} />
      <Outcomes overview={shown} />
      <div class="cols uneven">
        <div class="stack">
          <Durations overview={shown} since={since} />
          <Reasons overview={shown} since={since} />
        </div>
        <div class="stack">
          <Approvals overview={shown} />
          <Platforms overview={shown} since={since} />
          <Sources overview={shown} />
        </div>
      </div>
    </>
  )
}

function Stats({ overview: shown, since }: { overview: OverviewData; since: string }) {
  const { calls, callsBefore, ended, passed, warnings, failed, waiting, undelivered, answered, approvals } = shown
  const share = (part: number) => (ended === 0 ? '–' : percent(part, ended))
  const change = callsBefore === 0 ? '' : `${Math.round((calls / callsBefore - 1) * 100)} % against the time before`
  const oldest = approvals.at(-1)
  return (
    <div class="panel stats">
      <Stat name="Calls" value={count(calls)} detail={change} href={linkTo(['calls'], { since })} />
      <Stat
        name="Passed"
        value={share(passed)}
        detail={`of ${count(ended)} with a result, ${share(warnings)} with a warning`}
        href={linkTo(['calls'], { since, verdict: 'pass,warning' })}
      />
      <Stat
        name="Failed or errored"
        value={count(failed)}
        tone={failed > 0 ? 'fail' : ''}
        detail=""
        href={linkTo(['calls'], { since, verdict: 'fail,errored' })}
      />
      <Stat
        name="Waiting for approval"
        value={count(waiting)}
        detail={oldest ? `the oldest for ${age(now.value - oldest.at)}` : ''}
        href={linkTo(['calls'], { verdict: 'waiting' })}
      />
      <Stat
        name="Answers not delivered"
        value={count(undelivered)}
        tone={undelivered > 0 ? 'fail' : ''}
        detail={`${count(answered)} answered exactly once`}
        href={linkTo(['calls'], { since })}
      />
    </div>
  )
}

function Stat(props: { name: string; value: string; detail: string; href: string; tone?: string }) {
  const { name, value, detail, href, tone = '' } = props
  return (
    <a href={href}>
      {name}
      <b class={tone}>{value}</b>
      <span class="muted small">{detail}</span>
    </a>
  )
}
