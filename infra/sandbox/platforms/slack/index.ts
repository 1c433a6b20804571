import { setTimeout as sleep } from 'node:timers/promises'
import { routeTable } from '../../../testing/route-table.ts'
import { demo } from '../sandbox/demo.ts'
import type { FakeCall, FakeReply, Platform } from '../sandbox/http.ts'
import { missingPage } from '../sandbox/page.ts'
import type { Store } from '../sandbox/store.ts'
import { buttonsIn } from './blocks.ts'
import { sendButtonPress } from './button-press.ts'
import { channels, jane, type Member, people } from './directory.ts'
import { type ChatMessage, createMessages } from './messages.ts'
import { buttonErrorPage, chatPage } from './page.ts'
import { type MessageSummary, messageSummary, placeOf } from './responses.ts'
import { slackRoutes } from './routes.ts'

export interface Slack extends Platform {
  messages(root: string): MessageSummary[]
}

/** How long a button press waits for a change of the message. */
const BUTTON_TIMEOUT_MS = 3_000

/**
 * Fakes a Slack workspace. The channels `releases` and `operations` have two members, Jane and Ben, who read the messages on a
 * page. Their button presses go to the app, signed, and each sees only their own ephemeral messages.
 *
 * @param interactivityUrl the request URL of the app's interactivity
 */
export function createSlack(store: Store, interactivityUrl?: string): Slack {
  const messages = createMessages(store)

  /** Handles the form of a button: `ts` of the message, `action` of the button, and `user`. */
  async function pressButton(call: FakeCall): Promise<FakeReply> {
    const form = new URLSearchParams(call.body)
    const person = people.find(({ name }) => name === (form.get('user') ?? jane.name))
    if (!person)
      return buttonErrorPage(400, undefined, `Unknown user. Users: ${people.map(({ name }) => name).join(', ')}.`)
    const message = messages.find(form.get('ts') ?? '')
    if (!message || !sees(person, message)) return buttonErrorPage(404, person, 'The message does not exist.')
    const button = buttonsIn(message.blocks).find(({ action_id }) => action_id === form.get('action'))
    if (!button) return buttonErrorPage(409, person, 'The message no longer has this button.')
    if (!interactivityUrl)
      return buttonErrorPage(502, person, 'This app is not configured to handle interactive responses.')
    const before = messages.all()
    const channelName = channels.find(({ id }) => id === message.channel)?.name
    const press = { message, button, person, channelName, root: call.root }
    const refused = await sendButtonPress(interactivityUrl, press)
    if (refused !== undefined) return buttonErrorPage(502, person, refused)
    for (const end = Date.now() + BUTTON_TIMEOUT_MS; Date.now() < end && isAsBefore(message, before.length); )
      await sleep(50)
    return { status: 303, headers: { location: `${call.root}?user=${person.name}#${message.ts}` } }
  }

  function isAsBefore({ ts, edited }: ChatMessage, count: number): boolean {
    return messages.find(ts)?.edited === edited && messages.all().length === count
  }

  return {
    ...slackRoutes({ token: demo.slack.token, channels, people: () => people, messages, url: (root) => root }),

    page(call) {
      const link = linkOf(`GET ${call.path}`, {})
      const isChat = call.path === '/'
      if (!isChat && !link) return undefined
      const person = people.find(({ name }) => name === (call.query.get('user') ?? jane.name))
      if (!person) return missingPage('person')
      const seen = messages.all().filter((message) => sees(person, message))
      const shown = seen.filter(
        ({ channel, ts }) => channel === link?.channel && (!link.place || link.place === placeOf(ts)),
      )
      if (!isChat && shown.length === 0) return missingPage('message')
      return chatPage({ root: call.root, person, messages: isChat ? seen : shown })
    },

    actions: { '/click': pressButton },
    messages: (root) => messages.all().map((message) => messageSummary(root, message)),
  }
}

const linkOf = routeTable<object, { channel: string; place?: string }>()({
  'GET /archives/{channel}': ({ params }) => params,
  'GET /archives/{channel}/{place}': ({ params }) => params,
})

function sees({ id }: Member, { onlyFor }: ChatMessage): boolean {
  return onlyFor === undefined || onlyFor === id
}
