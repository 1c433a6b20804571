import { useEffect } from 'preact/hooks'
import type { AlertsView } from '../alerts/alerts-view.ts'
import {
  closeNotification,
  linkToNotification,
  opened,
  problem,
  readAlerts,
  readNotification,
  view,
} from './alert-data.ts'
import { AlertEffects } from './alert-effects.tsx'
import { AlertRules } from './alert-rules.tsx'
import { AlertTry } from './alert-try.tsx'
import { age, plural, time } from './format.ts'
import { listen, now, throttle } from './live.ts'
import { route, setQuery } from './route.ts'
import { stack } from './stack.ts'

const REFRESH_MS = 2_000

/** The rules for alerts, the last notifications with the effects of the rules, and a place to try changes. */
export function Alerts() {
  const { parts, query } = route.value
  const [id = ''] = parts
  const source = query.get('source') ?? ''
  useEffect(() => {
    const read = () => {
      void readAlerts(source)
      if (id !== '') void readNotification(id)
    }
    read()
    if (id === '') closeNotification()
    // The tasks of its calls start later.
    const again = throttle(read, REFRESH_MS)
    const stops = [listen('alerts', again), listen('calls', again), listen('ready', read)]
    return () => {
      for (const stop of stops) stop()
    }
  }, [id, source])
  const shown = view.value
  return (
    <div class="page">
      <div class="pagehead">
        <h1>Alerts</h1>
        {shown?.queue && <Queue queue={shown.queue} />}
      </div>
      {problem.value !== '' && (
        <p class="note fail" role="alert">
          {problem.value}
        </p>
      )}
      {shown?.notice !== undefined && <p class="note">{shown.notice}</p>}
      {shown && <AlertRules view={shown} />}
      {shown && !stack && (
        <>
          <div class="cols alerts">
            <Notifications view={shown} id={id} source={source} />
            <Opened />
          </div>
          {shown.log && shown.log.length > 0 && <Log log={shown.log} />}
          <AlertTry sources={shown.sources.map(({ name }) => name)} />
        </>
      )}
    </div>
  )
}

function Queue({ queue: { waiting, deadLetters } }: { queue: NonNullable<AlertsView['queue']> }) {
  return (
    <span class="muted">
      {waiting === 0 ? 'No alert waits in the queue' : `${plural(waiting, 'message')} in the queue`}
      {deadLetters > 0 && <span class="tone fail">, {plural(deadLetters, 'dead letter')}</span>}
    </span>
  )
}

function Notifications({ view, id, source }: { view: AlertsView; id: string; source: string }) {
  const { sources, notifications } = view
  return (
    <section class="panel notifications">
      <header>
        <h2 class="grow">Notifications</h2>
        <select
          class="field source"
          aria-label="Source"
          value={source}
          onChange={({ currentTarget }) => setQuery({ source: currentTarget.value })}
        >
          <option value="">All sources</option>
          {sources.map(({ name, stored }) => (
            <option key={name} value={name}>
              {name} ({stored})
            </option>
          ))}
        </select>
      </header>
      {notifications.length === 0 && (
        <p class="body muted">None yet. The runtime stores the last 100 of each source, with credentials masked.</p>
      )}
      <ul>
        {notifications.map((notification) => (
          <li key={notification.id}>
            <a
              href={linkToNotification(notification.id, source)}
              aria-current={String(notification.id) === id ? 'true' : undefined}
            >
              <span class="grow cut">
                <b>{notification.source}</b> {notification.event}
              </span>
              <span class="muted small">{age(now.value - notification.at)} ago</span>
              <span class={`small clamp effect tone ${notification.hasProblem ? 'fail' : ''}`}>
                {notification.effect || 'Large: open it to evaluate the rules'}
              </span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** Why alerts were refused, wait, or make no call. */
function Log({ log }: { log: NonNullable<AlertsView['log']> }) {
  return (
    <section class="panel">
      <header class="wrap">
        <h2>Log</h2>
        <span class="muted">refused, waiting and skipped calls since the start of the runtime</span>
      </header>
      <ul class="approvals alertlog">
        {log.map(({ at, source, text, isProblem }, index) => (
          <li key={index}>
            <span class={`grow tone ${isProblem ? 'fail' : ''}`}>
              <b>{source}</b> {text}
            </span>
            <span class="muted small nowrap">{age(now.value - at)} ago</span>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Opened() {
  const notification = opened.value
  if (!notification) return <p class="note">Select a notification to see the effect of each rule.</p>
  const { source, at, tried } = notification
  return (
    <section class="panel">
      <header class="wrap">
        <h2>
          {source} {tried.event}
        </h2>
        <span class="muted">{time(at)}</span>
      </header>
      <AlertEffects label="Notification" tried={tried} />
    </section>
  )
}
