import type { Overview as OverviewData } from '../overview.ts'
import { linkToCall } from './call-link.ts'
import { age, count, duration, percent } from './format.ts'
import { now } from './live.ts'
import { linkTo } from './route.ts'
import { Table } from './table.tsx'

/** The median and the 95th percentile of each action. */
export function Durations({ overview: { actions }, since }: { overview: OverviewData; since: string }) {
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
      <Table
        rows={actions}
        keyOf={({ category, action }) => `${category}/${action}`}
        columns={[
          {
            name: 'Action',
            cell: ({ category, action }) => <a href={linkTo(['calls'], { category, action, since })}>{action}</a>,
          },
          {
            class: 'scale',
            cell: ({ p50, p95 }) => (
              <div class="range">
                <i style={{ left: `${place(p50)}%`, width: `${place(p95) - place(p50)}%` }} />
                <b style={{ left: `${place(p50)}%` }} />
                <u style={{ left: `${place(p95)}%` }} />
              </div>
            ),
          },
          { name: 'p50', class: 'num', nowrap: true, cell: ({ p50 }) => duration(p50) },
          { name: 'p95', class: 'num', nowrap: true, cell: ({ p95 }) => duration(p95) },
          { name: 'Calls', class: 'num desk', cell: ({ calls }) => count(calls) },
        ]}
      />
      {actions.length === 0 && <p class="body muted">No call has ended in this period.</p>}
    </section>
  )
}

/** The most frequent errors. */
export function Reasons({ overview: { reasons }, since }: { overview: OverviewData; since: string }) {
  if (reasons.length === 0) return null
  const most = Math.max(...reasons.map(({ calls }) => calls))
  return (
    <section class="panel">
      <header>
        <h2>Top error reasons</h2>
      </header>
      <Table
        rows={reasons}
        keyOf={({ text }) => text}
        columns={[
          {
            name: 'Reason',
            cell: ({ text, calls }) => (
              <>
                <a class="clamp" href={linkTo(['calls'], { since, verdict: 'fail,errored', q: wordsOf(text) })}>
                  {text}
                </a>
                <Meter share={calls / most} tone="fail" />
              </>
            ),
          },
          { name: 'Calls', class: 'num', cell: ({ calls }) => count(calls) },
          { name: 'Last', class: 'num', nowrap: true, cell: ({ lastAt }) => `${age(now.value - lastAt)} ago` },
        ]}
      />
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

/** The approvals that wait for a decision. */
export function Approvals({ overview: { approvals } }: { overview: OverviewData }) {
  return (
    <section class="panel">
      <header>
        <h2>Waiting for approval</h2>
      </header>
      {approvals.length === 0 && <p class="body muted">Nobody has to decide anything.</p>}
      <ul class="approvals">
        {approvals.map(({ id, action, approval, policyWait, text, at, deadlineAt }) => (
          <li key={id}>
            <a class="grow clamp" href={linkToCall(id)}>
              {approval ? text : `${action}: ${text}`}
            </a>
            <span>{leftUntil(policyWait?.until ?? deadlineAt)}</span>
            <span class="muted small grow">asked {age(now.value - at)} ago</span>
            <span class="muted small">left</span>
          </li>
        ))}
      </ul>
    </section>
  )
}

function leftUntil(at: number | undefined): string {
  return at === undefined ? '' : duration(Math.max(0, at - now.value))
}

/** The platforms that respond slowly. */
export function Platforms({ overview: { platforms }, since }: { overview: OverviewData; since: string }) {
  if (platforms.length === 0) return null
  const slowest = Math.max(1, ...platforms.map(({ p95 }) => p95))
  return (
    <section class="panel">
      <header>
        <h2>Slowest platforms</h2>
        <span class="muted">p95 of a request</span>
      </header>
      <Table
        hidesHead
        rows={platforms}
        keyOf={({ platform, connection }) => `${platform}/${connection}`}
        columns={[
          {
            name: 'Platform',
            cell: ({ platform, connection, p95, failed }) => (
              <>
                <a href={linkTo(['calls'], { connection, since })}>
                  {[platform, connection].filter(Boolean).join(' / ')}
                </a>
                <Meter share={p95 / slowest} tone={failed > 0 ? 'fail' : 'accent'} />
              </>
            ),
          },
          { name: 'p95', class: 'num', nowrap: true, cell: ({ p95 }) => duration(p95) },
          {
            name: 'Failed requests',
            class: 'num muted',
            nowrap: true,
            cell: ({ failed, requests }) => `${percent(failed, requests)} failed`,
          },
        ]}
      />
    </section>
  )
}

/** The platforms whose notifications wake tasks and start calls. */
export function Sources({ overview: { sources = [] } }: { overview: OverviewData }) {
  if (sources.length === 0) return null
  const ago = (at: number | undefined) => (at === undefined ? 'never' : `${age(now.value - at)} ago`)
  return (
    <section class="panel">
      <header>
        <h2>Sources</h2>
        <span class="muted">their notifications end tasks at once</span>
      </header>
      <Table
        rows={sources}
        keyOf={({ name }) => name}
        columns={[
          { name: 'Source', cell: ({ name }) => name },
          {
            name: 'Last notification',
            cell: ({ notifiedAt, event, isSilent }) => (
              <span title={event}>
                {ago(notifiedAt)}
                {isSilent && <span class="fail"> silent</span>}
              </span>
            ),
          },
          { name: 'Last wake-up', nowrap: true, cell: ({ wokenAt }) => ago(wokenAt) },
          { name: 'Missed ends', class: 'num', cell: ({ missed }) => count(missed) },
        ]}
      />
    </section>
  )
}
