import { signal } from '@preact/signals'
import type { MessageSummary } from '../../../sandbox/platforms/slack/responses.ts'
import { messageOf } from './api.ts'
import { clock, time } from './format.ts'
import { messages, readSandbox, sandboxProblem } from './sandbox-data.ts'

const people = { jane: 'Jane Doe', ben: 'Ben Roe' } as const
/** Who uses the page. */
const person = signal<keyof typeof people>('jane')

/** Presses a button as a person. The platform sends the click to the approval, signed. */
async function press(ts: string, action: string): Promise<void> {
  try {
    const body = new URLSearchParams({ ts, action, user: person.value })
    const response = await fetch('/sandbox/slack/click', { method: 'POST', body })
    if (!response.ok) {
      const page = new DOMParser().parseFromString(await response.text(), 'text/html')
      sandboxProblem.value = page.querySelector('main p')?.textContent ?? `The chat responded with ${response.status}.`
      return
    }
    await readSandbox('chat')
  } catch (error) {
    sandboxProblem.value = messageOf(error)
  }
}

/** The messages of the simulated Slack, with their buttons. */
export function Chat() {
  const seen = messages.value.filter(({ ephemeral }) => ephemeral === null || ephemeral === person.value).toReversed()
  const channels = Map.groupBy(seen, ({ channel }) => channel ?? '')
  return (
    <>
      <div class="row">
        <fieldset class="seg">
          <legend class="visually-hidden">You act as</legend>
          {Object.entries(people).map(([name, title]) => (
            <button
              key={name}
              type="button"
              aria-pressed={person.value === name}
              onClick={() => {
                person.value = name as keyof typeof people
              }}
            >
              {title}
            </button>
          ))}
        </fieldset>
        <span class="muted">You act as {people[person.value]}.</span>
        <span class="grow" />
        <a href={`/sandbox/slack?user=${person.value}`}>Open the chat as a page</a>
      </div>
      {seen.length === 0 && <p class="note">No messages yet. Send an example of the category notification.</p>}
      <div class="cols half">
        {[...channels].map(([channel, all]) => (
          <section key={channel} class="panel">
            <header>
              <h2>#{channel}</h2>
            </header>
            <div class="body msgs">
              {all.map((message) => (
                <Message key={message.ts} message={message} />
              ))}
            </div>
          </section>
        ))}
      </div>
    </>
  )
}

/** The texts of a message, without those of its buttons. */
function textsOf({ text, blocks, buttons }: MessageSummary): string[] {
  const texts = blocks.filter((block) => block !== '' && !(buttons.length > 0 && /^\[.*\]$/.test(block)))
  return texts.length > 0 ? texts : [text]
}

function Message({ message }: { message: MessageSummary }) {
  const { ts, at, buttons, ephemeral, edited, thread } = message
  return (
    <article class={`bubble${buttons.length > 0 ? ' ask' : ''}`}>
      <p class="small muted">
        <b>Webhooks</b> <time title={time(Date.parse(at))}>{clock(Date.parse(at))}</time>
        {edited && ', edited'}
        {thread !== null && ', in a thread'}
        {ephemeral !== null && ', only you see this'}
      </p>
      {textsOf(message).map((block, index) => (
        <p key={index} class="block">
          {block}
        </p>
      ))}
      {buttons.length > 0 && (
        <p class="row">
          {buttons.map(({ action, text: label }) => (
            <button key={action} type="button" class="btn" onClick={() => void press(ts, action)}>
              {label}
            </button>
          ))}
        </p>
      )}
    </article>
  )
}
