import { useEffect } from 'preact/hooks'
import { Chat } from './chat.tsx'
import { Engines } from './engines.tsx'
import { Faults } from './faults.tsx'
import { listen, throttle } from './live.ts'
import { Records, records } from './records.tsx'
import { linkTo, route } from './route.ts'
import { readSandbox, sandboxProblem } from './sandbox-data.ts'

/** Runs change with time and send no notification. */
const REFRESH_MS = 4_000
const THROTTLE_MS = 500

const tabs: Record<string, string> = {
  platforms: 'Platforms',
  engines: 'Orchestrators',
  chat: 'Chat',
  ...Object.fromEntries(Object.entries(records).map(([name, { title }]) => [name, title])),
}

/** The simulated platforms: what they contain, and how they fail. */
export function Sandbox() {
  const [requested = 'platforms'] = route.value.parts
  const tab = Object.hasOwn(tabs, requested) ? requested : 'platforms'
  useEffect(() => {
    const read = () => void readSandbox(tab)
    read()
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') read()
    }, REFRESH_MS)
    const stops = [listen('sandbox', throttle(read, THROTTLE_MS)), listen('ready', read)]
    return () => {
      clearInterval(timer)
      for (const stop of stops) stop()
    }
  }, [tab])
  return (
    <div class="page">
      <div class="pagehead">
        <h1>Sandbox</h1>
        <nav class="seg tabsseg" aria-label="Parts of the sandbox">
          {Object.entries(tabs).map(([name, title]) => (
            <a key={name} href={linkTo(['sandbox', name])} aria-current={name === tab ? 'true' : undefined}>
              {title}
            </a>
          ))}
        </nav>
      </div>
      {sandboxProblem.value !== '' && (
        <p class="note fail" role="alert">
          {sandboxProblem.value}
        </p>
      )}
      {tab === 'platforms' ? (
        <Faults />
      ) : tab === 'engines' ? (
        <Engines />
      ) : tab === 'chat' ? (
        <Chat />
      ) : (
        <Records name={tab} />
      )}
    </div>
  )
}
