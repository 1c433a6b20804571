import type { Fault } from '../../../sandbox/platforms/sandbox/faults.ts'
import { FaultForm, target } from './fault-form.tsx'
import { count, duration } from './format.ts'
import { Icon } from './icons.tsx'
import { now } from './live.ts'
import { linkTo } from './route.ts'
import { changeFaults, faultKinds, faults, requests, targetTitle } from './sandbox-data.ts'

/** The platforms as cards, each with its faults, and the form for a new one. */
export function Faults() {
  const { targets = [] } = faultKinds.value ?? {}
  return (
    <>
      {faults.value.length > 0 && (
        <p>
          <button type="button" class="btn" onClick={() => void changeFaults('DELETE', '')}>
            Switch off {faults.value.length} {faults.value.length === 1 ? 'fault' : 'faults'}
          </button>
        </p>
      )}
      <FaultForm />
      <div class="cards">
        {targets.map(({ name, title }) => (
          <Card key={name} name={name} title={title} />
        ))}
      </div>
      <section class="panel">
        <header>
          <h2>Failing runs</h2>
        </header>
        <p class="body">
          Set the parameter <code>outcome</code> of a run:{' '}
          {['fails', 'never ends', 'disappears'].map((text, index) => (
            <>
              {index > 0 && ', '}
              <a href={linkTo(['send', 'optimization', 'start-model', String(index + 1)])}>{text}</a>
            </>
          ))}
          .
        </p>
      </section>
    </>
  )
}

const BARS = 40
const HOUR_MS = 3_600_000

function Card({ name, title }: { name: string; title: string }) {
  const active = faults.value.filter((fault) => fault.target === name)
  const own = requests.value.filter((request) => request.target === name)
  const recent = own.filter(({ at }) => now.value - Date.parse(at) < HOUR_MS)
  const bars = Array.from({ length: BARS }, () => ({ good: 0, bad: 0 }))
  for (const { at, status } of recent) {
    const bar = bars[BARS - 1 - Math.floor(((now.value - Date.parse(at)) / HOUR_MS) * BARS)]
    if (bar) bar[status === null || status >= 400 ? 'bad' : 'good'] += 1
  }
  const max = Math.max(1, ...bars.map(({ good, bad }) => good + bad))
  return (
    <section class={`panel card${active.length > 0 ? ' failing' : ''}`} aria-label={title}>
      <div class="h">
        <h3>{title}</h3>
        {active.length > 0 && (
          <span class="v fail">
            <Icon name="fail" />
            Failing
          </span>
        )}
        <span class="grow" />
        <button
          type="button"
          class="btn s"
          aria-label={`${active.length > 0 ? 'Add fault' : 'Make it fail'}: ${title}`}
          onClick={() => {
            target.value = name
            document.getElementById('fault-kind')?.focus()
          }}
        >
          {active.length > 0 ? 'Add fault' : 'Make it fail'}
        </button>
      </div>
      <svg class="spark" viewBox={`0 0 ${BARS * 4} 24`} preserveAspectRatio="none" aria-hidden="true">
        {bars.map(({ good, bad }, index) => (
          <>
            <rect x={index * 4} width="3" y={24 - ((good + bad) / max) * 24} height={(good / max) * 24} />
            <rect class="bad" x={index * 4} width="3" y={24 - (bad / max) * 24} height={(bad / max) * 24} />
          </>
        ))}
      </svg>
      <span class="row">
        <a href={linkTo(['sandbox', 'requests'])}>{count(recent.length)} requests</a>
        <span class="grow" />
        <span class="muted small">last hour</span>
      </span>
      {active.map((fault) => (
        <FaultLine key={fault.id} fault={fault} />
      ))}
    </section>
  )
}

function FaultLine({ fault }: { fault: Fault }) {
  const { id, target: name, kind, left, until, match, after } = fault
  const which = [match?.method, match?.path, match?.body && `with "${match.body}"`].filter(Boolean).join(' ')
  const rest =
    left !== undefined
      ? `${left} left`
      : until === undefined
        ? 'until switched off'
        : `for ${duration(Math.max(0, Date.parse(until) - now.value))}`
  return (
    <p class="faultline">
      <span class="grow">
        <b>{which === '' ? 'All requests' : which}</b>: {kind}
        {after && ', after the request ran'}
      </span>
      <span class="muted small">{rest}</span>
      <button
        type="button"
        class="btn s quiet"
        aria-label={`Switch off ${targetTitle(name)} ${kind}`}
        onClick={() => void changeFaults('DELETE', `/${id}`)}
      >
        <Icon name="close" />
      </button>
    </p>
  )
}
