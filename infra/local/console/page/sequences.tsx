import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { SequenceView } from '../sequences.ts'
import { get, messageOf, send } from './api.ts'
import { linkToCall } from './call-link.ts'
import { duration, time } from './format.ts'
import { Icon } from './icons.tsx'
import { listen, now, throttle } from './live.ts'
import { linkTo, route } from './route.ts'
import { Verdict, verdictWords } from './verdict.tsx'

const REFRESH_MS = 1_000

const sequences = signal<SequenceView[]>([])
const problem = signal('')

async function read(): Promise<void> {
  try {
    sequences.value = await get<SequenceView[]>('/console/sequences')
    problem.value = ''
  } catch (error) {
    problem.value = messageOf(error)
  }
}

async function act(name: string, path: '' | '/stop'): Promise<void> {
  try {
    await send('POST', `/console/sequences/${encodeURIComponent(name)}${path}`)
    problem.value = ''
  } catch (error) {
    problem.value = messageOf(error)
  }
}

/** Plays the included sequences with a simulated Keptn. */
export function Sequences() {
  useEffect(() => {
    void read()
    // A task waits for an approval as soon as its call does.
    const again = throttle(() => void read(), REFRESH_MS)
    const isRunning = () => sequences.value.some(({ run }) => run?.state === 'running')
    const stops = [
      listen('ready', () => void read()),
      listen('calls', () => {
        if (isRunning()) again()
      }),
      listen('sequence', ({ line: _line, ...view }) => {
        sequences.value = sequences.value.map((sequence) =>
          sequence.name === view.name ? (view as SequenceView) : sequence,
        )
      }),
    ]
    return () => {
      for (const stop of stops) stop()
    }
  }, [])
  const [name = sequences.value[0]?.name] = route.value.parts
  const shown = sequences.value.find((sequence) => sequence.name === name)
  return (
    <div class="page">
      <div class="pagehead">
        <h1>Sequences</h1>
        <span class="muted">A simulated Keptn calls this runtime through webhook subscriptions.</span>
      </div>
      {problem.value !== '' && (
        <p class="note fail" role="alert">
          {problem.value}
        </p>
      )}
      <div class="cols seqs">
        <nav class="panel seqlist" aria-label="Sequences">
          <ul>
            {sequences.value.map(({ name: each, stages, run }) => (
              <li key={each} class={each === name ? 'current' : ''}>
                <a href={linkTo(['sequences', each])} aria-current={each === name ? 'true' : undefined}>
                  {each}
                </a>
                {run && <RunState run={run} />}
                <span class="muted small">{stages.map(({ stage }) => stage).join(', ')}</span>
              </li>
            ))}
          </ul>
        </nav>
        {shown && <Sequence {...shown} />}
      </div>
    </div>
  )
}

const states = { running: 'running', passed: 'pass', failed: 'fail', stopped: 'aborted' } as const
const words = { running: 'Running', passed: 'Passed', failed: 'Failed', stopped: 'Stopped' } as const

type Run = NonNullable<SequenceView['run']>

function RunState({ run: { state, tasks } }: { run: Run }) {
  if (tasks.some(({ verdict }) => verdict === 'waiting')) return <Verdict of="waiting" />
  return (
    <span class={`v ${states[state]}`}>
      <Icon name={states[state]} />
      {words[state]}
    </span>
  )
}

/** A task of the shipyard, and how it went in the last run. */
function Task({ name, task }: { name: string; task: Run['tasks'][number] | undefined }) {
  if (!task) return <li class="task">{name}</li>
  const { verdict, startedAt, endedAt, call } = task
  return (
    <li class={`task ${verdict}`}>
      <Verdict of={verdict} withWord={false} />
      {call ? <a href={linkToCall(call.id)}>{name}</a> : name}
      <span class="muted small" title={verdictWords[verdict]}>
        {[call && (call.platform || call.provider), duration((endedAt ?? now.value) - startedAt)]
          .filter(Boolean)
          .join(', ')}
      </span>
    </li>
  )
}

/** The output of a run, in which the ids of tasks are links to their calls. */
function Output({ name, lines }: { name: string; lines: string[] }) {
  const parts = lines.join('\n').split(/(?<=\btask )([0-9a-f]{40})\b/)
  return (
    <section class="body output" aria-label={`Output of ${name}`}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a text that scrolls must be reachable with the keyboard. */}
      <pre tabIndex={0}>
        {parts.map((part, index) => (index % 2 === 0 ? part : <a href={linkToCall(part)}>{part}</a>))}
      </pre>
    </section>
  )
}

function Sequence({ name, stages, run }: SequenceView) {
  const isRunning = run?.state === 'running'
  const tasksOf = (stage: string, sequence: string) =>
    run?.tasks.filter((task) => task.stage === stage && task.sequence === sequence) ?? []
  const waits = stages.some(({ tasks }) => tasks.includes('approval'))
  return (
    <div class="stack">
      <section class="panel">
        <header class="wrap">
          <h2>{name}</h2>
          {run && <RunState run={run} />}
          {run && (
            <span class="muted">
              {time(run.startedAt)}, {duration((run.endedAt ?? now.value) - run.startedAt)}
            </span>
          )}
          <span class="grow" />
          {waits && <a href="#/sandbox/chat">Approve in the chat</a>}
          {isRunning ? (
            <button type="button" class="btn" onClick={() => void act(name, '/stop')}>
              Stop {name}
            </button>
          ) : (
            <button type="button" class="btn primary" onClick={() => void act(name, '')}>
              <Icon name="play" />
              Run {name}
            </button>
          )}
        </header>
        {stages.map(({ stage, name: sequence, tasks }, index) => (
          <div key={`${stage} ${index}`} class="stage">
            <strong>{stage}</strong>
            <ol class="track">
              {tasks.map((task, index) => (
                <Task key={`${task} ${index}`} name={task} task={tasksOf(stage, sequence)[index]} />
              ))}
            </ol>
          </div>
        ))}
      </section>
      {run && run.lines.length > 0 && (
        <section class="panel">
          <header>
            <h3>Output</h3>
            <span class="muted">{run.lines.length} lines</span>
            <span class="grow" />
            {run.context !== undefined && <a href={linkTo(['calls'], { context: run.context })}>Show the calls</a>}
          </header>
          <Output name={name} lines={run.lines} />
        </section>
      )}
    </div>
  )
}
