import './base.css'
import './controls.css'
import './verdict.css'
import './shell.css'
import './stops.css'
import './phone.css'
import './calls.css'
import './call-list.css'
import './calls-narrow.css'
import './call.css'
import './waterfall.css'
import './requests.css'
import './overview.css'
import './policy.css'
import './alerts.css'
import './sequences.css'
import './send.css'
import './cli.css'
import './sandbox.css'
import './pages-narrow.css'
import { effect } from '@preact/signals'
import { type JSX, render } from 'preact'
import { Calls } from './calls.tsx'
import { copied } from './copy.ts'
import { clock } from './format.ts'
import { Icon } from './icons.tsx'
import { KeysDialog, showKeys } from './keys.tsx'
import { laterView } from './later-view.tsx'
import { connect, isPaused, offlineSince } from './live.ts'
import { Overview } from './overview.tsx'
import { Policy } from './policy.tsx'
import { route } from './route.ts'
import { stack } from './stack.ts'
import { StopBars, StopButton, watchStops } from './stops.tsx'

interface PageView {
  title: string
  icon: string
  View: () => JSX.Element
}

const readViews: Record<string, PageView> = {
  calls: { title: 'Calls', icon: 'list', View: Calls },
  overview: { title: 'Overview', icon: 'chart', View: Overview },
  policy: { title: 'Policy', icon: 'shield', View: Policy },
  alerts: { title: 'Alerts', icon: 'bell', View: laterView('Alerts') },
}
/** What the local runtime can do, and a deployed stack cannot. */
const runtimeViews: Record<string, PageView> = {
  sequences: { title: 'Sequences', icon: 'track', View: laterView('Sequences') },
  send: { title: 'Send', icon: 'send', View: laterView('Send') },
  sandbox: { title: 'Sandbox', icon: 'box', View: laterView('Sandbox') },
}
const views = stack ? readViews : { ...readViews, ...runtimeViews }
/** A view with its link apart from the others. */
const cli: PageView = { title: 'Command line', icon: 'list', View: laterView('CommandLine') }

function currentView(): [name: string, view: PageView] {
  const { page } = route.value
  if (page === 'cli' && !stack) return [page, cli]
  const view = Object.hasOwn(views, page) ? views[page] : undefined
  return view ? [page, view] : ['calls', { title: 'Calls', icon: 'list', View: Calls }]
}

function setTheme(theme: string | null): void {
  if (theme === null) delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
}

function switchTheme(): void {
  const isDark =
    getComputedStyle(document.documentElement).colorScheme === 'dark' ||
    document.documentElement.dataset['theme'] === 'dark' ||
    (document.documentElement.dataset['theme'] === undefined && matchMedia('(prefers-color-scheme: dark)').matches)
  const theme = isDark ? 'light' : 'dark'
  localStorage.setItem('theme', theme)
  setTheme(theme)
}

function App() {
  const [current, { View }] = currentView()
  return (
    <>
      <button type="button" class="btn skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to the content
      </button>
      <header class="top">
        <a class="brand" href="#/calls" aria-label="Webhooks, calls">
          <Icon name="logo" />
          <span>Webhooks</span>
        </a>
        {!stack && <span class="muted env">Local, {location.host}</span>}
        <nav class="nav" aria-label="Main">
          {Object.entries(views).map(([name, { title, icon }]) => (
            <a key={name} href={`#/${name}`} aria-current={name === current ? 'page' : undefined}>
              <Icon name={icon} />
              {title}
            </a>
          ))}
        </nav>
        <span class="grow" />
        {!stack && (
          <a class="desk muted" href="#/cli" aria-current={current === 'cli' ? 'page' : undefined}>
            {cli.title}
          </a>
        )}
        <Connection />
        <StopButton />
        <button type="button" class="btn quiet icon" aria-label="Switch between light and dark" onClick={switchTheme}>
          <Icon name="theme" />
        </button>
        <button type="button" class="btn quiet icon desk" aria-label="Keyboard shortcuts" onClick={showKeys}>
          ?
        </button>
      </header>
      {stack && <StackBar {...stack} />}
      <StopBars />
      <main id="main" tabIndex={-1}>
        <View />
      </main>
      <KeysDialog />
    </>
  )
}

/** Where the page acts. Visible in each view, because each action changes production. */
function StackBar({ name, account, region, operator }: NonNullable<typeof stack>) {
  return (
    <section aria-label="Stack" class={`stackbar ${operator === undefined ? '' : 'acts'}`}>
      <b>{name}</b>
      <span class="place">
        account {account}, {region}
      </span>
      <span class="muted">{operator === undefined ? 'Read-only: copy commands to act' : `You act as ${operator}`}</span>
    </section>
  )
}

/** Whether the page is up to date. */
function Connection() {
  const since = offlineSince.value
  return (
    <span class={`dot ${since === undefined ? (isPaused.value ? '' : 'live') : 'off'}`} role="status">
      {copied.value ||
        (since === undefined ? (isPaused.value ? 'Paused' : 'Live') : `Offline since ${clock(since)}, retrying`)}
    </span>
  )
}

setTheme(localStorage.getItem('theme'))
effect(() => {
  const [, { title }] = currentView()
  document.title = `${title} · Webhooks`
})
watchStops()
connect()
render(<App />, document.body)
