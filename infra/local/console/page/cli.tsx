import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { CliCommands } from '../cli-commands.ts'
import { get, messageOf } from './api.ts'
import { copy } from './copy.ts'

const shown = signal<CliCommands | undefined>(undefined)
const problem = signal('')

async function read(): Promise<void> {
  try {
    shown.value = await get<CliCommands>('/console/commands')
    problem.value = ''
  } catch (error) {
    problem.value = messageOf(error)
  }
}

/** The commands of the CLI that do what the console does, from the help of the CLI. */
export function CommandLine() {
  useEffect(() => void read(), [])
  const { setup, commands = [] } = shown.value ?? {}
  return (
    <div class="page">
      <div class="pagehead">
        <h1>Command line</h1>
        <span class="muted">
          Commands for the runtime at {location.host}. Run them in the folder of the project. Each has --help.
        </span>
      </div>
      {problem.value !== '' && (
        <p class="note fail" role="alert">
          {problem.value}
        </p>
      )}
      {setup !== undefined && (
        <Commands
          name="First"
          description="in each terminal, because the state folder is not .webhooks"
          lines={[setup]}
        />
      )}
      {commands.map(({ name, description, examples }) => (
        <Commands key={name} name={name} description={description} lines={examples} />
      ))}
    </div>
  )
}

function Commands({ name, description, lines }: { name: string; description: string; lines: string[] }) {
  return (
    <section class="panel">
      <header class="wrap">
        <h2>{name}</h2>
        <span class="muted">{description}</span>
      </header>
      <ul class="body commands">
        {lines.map((line) => (
          <li key={line}>
            <code class="grow">{line}</code>
            <button type="button" class="btn s" aria-label={`Copy ${line}`} onClick={() => copy(line)}>
              Copy
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
