import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Verdict as VerdictName } from '../call-view.ts'
import type { Bar, Overview as OverviewData } from '../overview.ts'
import { get, messageOf } from './api.ts'
import { linkToCall } from './calls.tsx'
import { age, axisTime, count, duration, time, zone } from './format.ts'
import { listen, now, throttle } from './live.ts'
import { linkTo, route } from './route.ts'
import { verdictWords } from './verdict.tsx'

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
        </div>
      </div>
    </>
  )
}

function Stats({ overview: shown, since }: { overview: OverviewData; since: string }) {
  const { calls, callsBefore, ended, passed, warnings, failed, waiting, undelivered, answered, approvals } = shown
  const share = (part: number) => (ended === 0 ? '–' : `${((part / ended) * 100).toFixed(1)} %`)
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

/** The verdicts of the chart, from the bottom to the top. */
const charted: VerdictName[] = ['pass', 'warning', 'fail', 'errored']
const HEIGHT = 180
const WIDTH = 960

function Outcomes({ overview: { bars, from, to } }: { overview: OverviewData }) {
  const sizeOf = ({ counts }: Bar) => charted.reduce((sum, verdict) => sum + (counts[verdict] ?? 0), 0)
  const max = niceMax(Math.max(...bars.map(sizeOf)))
  const width = WIDTH / bars.length
  const each = bars[0] ? duration(bars[0].to - bars[0].from) : ''
  const total = bars.reduce((sum, bar) => sum + sizeOf(bar), 0)
  const summary = charted
    .map((verdict) => `${bars.reduce((sum, { counts }) => sum + (counts[verdict] ?? 0), 0)} ${verdictWords[verdict]}`)
    .join(', ')
  return (
    <section class="panel">
      <header class="wrap">
        <h2>Outcomes</h2>
        <span class="muted">per {each}</span>
        <span class="grow" />
        <span class="legend">
          {charted.map((verdict) => (
            <span key={verdict}>
              <i class={verdict} />
              {verdictWords[verdict]}
            </span>
          ))}
        </span>
      </header>
      <div class="body">
        <div class="plot">
          <div class="yaxis muted small" aria-hidden="true">
            <span>{count(max)}</span>
            <span>{count(max / 2)}</span>
            <span>0</span>
          </div>
          <svg
            class="chart"
            viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
            preserveAspectRatio="none"
            role="img"
            aria-label={`${total} calls: ${summary}`}
          >
            {[0, 0.5, 1].map((line) => (
              <path key={line} class="grid" d={`M0 ${line * (HEIGHT - 1) + 0.5}H${WIDTH}`} />
            ))}
            {bars.map((bar, index) => (
              <BarView key={bar.from} bar={bar} x={index * width} width={width} scale={HEIGHT / max} />
            ))}
          </svg>
        </div>
        <div class="row xaxis muted small" aria-hidden="true">
          {[0, 0.25, 0.5, 0.75, 1].map((part) => (
            <span key={part} class={part === 0.25 || part === 0.75 ? 'desk' : ''}>
              {axisTime(from + part * (to - from), to - from)}
            </span>
          ))}
        </div>
      </div>
    </section>
  )
}

/** Returns the smallest of 4, 6, 8, 10, 20, 40, .. that is at least the number. Half of it is a whole number, too. */
function niceMax(number: number): number {
  const least = Math.max(number, 4)
  const power = 10 ** Math.floor(Math.log10(least))
  return [1, 2, 4, 6, 8, 10].map((factor) => factor * power).find((nice) => nice >= least) ?? least
}

function BarView({ bar, x, width, scale }: { bar: Bar; x: number; width: number; scale: number }) {
  let y = HEIGHT
  const text = charted.map((verdict) => `${bar.counts[verdict] ?? 0} ${verdictWords[verdict]}`).join(', ')
  return (
    <g>
      <title>{`${time(bar.from)}: ${text}`}</title>
      {charted.map((verdict) => {
        const height = (bar.counts[verdict] ?? 0) * scale
        y -= height
        return height > 0 ? (
          <rect key={verdict} class={verdict} x={x + width * 0.1} y={y} width={width * 0.8} height={height} />
        ) : null
      })}
    </g>
  )
}

function Durations({ overview: { actions }, since }: { overview: OverviewData; since: string }) {
  const longest = Math.log10(Math.max(1_000, ...actions.map(({ p95 }) => p95)))
  const place = (ms: number) => ((Math.log10(Math.max(ms, 10)) - 1) / Math.max(longest - 1, 1)) * 96 + 2
  return (
    <section class="panel">
      <header class="wrap">
        <h2>Duration per action</h2>
        <span class="grow" />
        <span class="legend muted">
          <span>
            <b class="dotmark" /> p50
          </span>
          <span>
            <u class="dotmark" /> p95
          </span>
          <span class="desk">logarithmic</span>
        </span>
      </header>
      <table>
        <thead>
          <tr>
            <th scope="col">Action</th>
            <td class="scale" aria-hidden="true" />
            <th scope="col" class="num">
              p50
            </th>
            <th scope="col" class="num">
              p95
            </th>
            <th scope="col" class="num desk">
              Calls
            </th>
          </tr>
        </thead>
        <tbody>
          {actions.map(({ category, action, calls, p50, p95 }) => (
            <tr key={`${category}/${action}`}>
              <td>
                <a href={linkTo(['calls'], { category, action, since })}>{action}</a>
              </td>
              <td class="scale" aria-hidden="true">
                <div class="range">
                  <i style={{ left: `${place(p50)}%`, width: `${place(p95) - place(p50)}%` }} />
                  <b style={{ left: `${place(p50)}%` }} />
                  <u style={{ left: `${place(p95)}%` }} />
                </div>
              </td>
              <td class="num nowrap">{duration(p50)}</td>
              <td class="num nowrap">{duration(p95)}</td>
              <td class="num desk">{count(calls)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {actions.length === 0 && <p class="body muted">No call has ended in this period.</p>}
    </section>
  )
}

function Reasons({ overview: { reasons }, since }: { overview: OverviewData; since: string }) {
  if (reasons.length === 0) return null
  const most = Math.max(...reasons.map(({ calls }) => calls))
  return (
    <section class="panel">
      <header>
        <h2>Top error reasons</h2>
      </header>
      <table>
        <thead>
          <tr>
            <th scope="col">Reason</th>
            <th scope="col" class="num">
              Calls
            </th>
            <th scope="col" class="num">
              Last
            </th>
          </tr>
        </thead>
        <tbody>
          {reasons.map(({ text, calls, lastAt }) => (
            <tr key={text}>
              <td>
                <a class="clamp" href={linkTo(['calls'], { since, verdict: 'fail,errored', q: wordsOf(text) })}>
                  {text}
                </a>
                <Meter share={calls / most} tone="fail" />
              </td>
              <td class="num">{count(calls)}</td>
              <td class="num nowrap">{age(now.value - lastAt)} ago</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

/** The words of a reason that its other occurrences have, too. */
function wordsOf(text: string): string {
  return text
    .split(/\s+/)
    .filter((word) => /^[A-Za-z]+$/.test(word))
    .slice(0, 4)
    .join(' ')
}

function Meter({ share, tone }: { share: number; tone: string }) {
  return (
    <div class="meter" aria-hidden="true">
      <i class={tone} style={{ width: `${share * 100}%` }} />
    </div>
  )
}

function Approvals({ overview: { approvals } }: { overview: OverviewData }) {
  return (
    <section class="panel">
      <header>
        <h2>Waiting for approval</h2>
      </header>
      {approvals.length === 0 && <p class="body muted">Nobody has to decide anything.</p>}
      <ul class="approvals">
        {approvals.map(({ id, text, at, deadlineAt }) => (
          <li key={id}>
            <a class="grow" href={linkToCall(id)}>
              {text}
            </a>
            <span>{deadlineAt === undefined ? '' : duration(Math.max(0, deadlineAt - now.value))}</span>
            <span class="muted small grow">asked {age(now.value - at)} ago</span>
            <span class="muted small">left</span>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Platforms({ overview: { platforms }, since }: { overview: OverviewData; since: string }) {
  if (platforms.length === 0) return null
  const slowest = Math.max(1, ...platforms.map(({ p95 }) => p95))
  return (
    <section class="panel">
      <header>
        <h2>Slowest platforms</h2>
        <span class="muted">p95 of a request</span>
      </header>
      <table>
        <thead class="visually-hidden">
          <tr>
            <th scope="col">Platform</th>
            <th scope="col">p95</th>
            <th scope="col">Failed requests</th>
          </tr>
        </thead>
        <tbody>
          {platforms.map(({ platform, connection, p95, failed, requests }) => (
            <tr key={`${platform}/${connection}`}>
              <td>
                <a href={linkTo(['calls'], { connection, since })}>
                  {[platform, connection].filter(Boolean).join(' / ')}
                </a>
                <Meter share={p95 / slowest} tone={failed > 0 ? 'fail' : 'accent'} />
              </td>
              <td class="num nowrap">{duration(p95)}</td>
              <td class="num nowrap muted">
                {`${failed === 0 ? 0 : ((failed / requests) * 100).toFixed(1)} % failed`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
