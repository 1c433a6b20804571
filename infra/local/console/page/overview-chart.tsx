import type { CallVerdict } from '../call-summary.ts'
import type { Bar, Overview as OverviewData } from '../overview.ts'
import { axisTime, count, duration, time } from './format.ts'
import { verdictWords } from './verdict.tsx'

/** The verdicts of the chart, from the bottom to the top. */
const charted: CallVerdict[] = ['pass', 'warning', 'fail', 'errored']
const HEIGHT = 180
const WIDTH = 960

/** The calls by verdict over time. */
export function Outcomes({ overview: { bars, from, to } }: { overview: OverviewData }) {
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
