import { createHmac, randomBytes } from 'node:crypto'
import { demo } from '../sandbox/demo.ts'
import type { Button } from './blocks.ts'
import { app, type Member, team } from './directory.ts'
import type { ChatMessage } from './messages.ts'
import { botMessage } from './responses.ts'

export interface ButtonPress {
  message: ChatMessage
  button: Button
  /** The name is missing for an unknown user. */
  person: Pick<Member, 'id'> & Partial<Member>
  channelName: string | undefined
  /** The URL of the fake Slack. */
  root: string
}

/** Slack waits this long for a response. */
const TIMEOUT_MS = 3_000

/**
 * Sends a button press to the app, signed as Slack does.
 *
 * @returns why the app did not accept it
 * @see https://docs.slack.dev/interactivity/handling-user-interaction
 * @see https://docs.slack.dev/authentication/verifying-requests-from-slack
 */
export async function sendButtonPress(url: string, press: ButtonPress): Promise<string | undefined> {
  const { headers, body } = sign(bodyOf(press), demo.slack.signingSecret)
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)' },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const text = await answer.text()
    return answer.status === 200 ? undefined : `The app returned ${answer.status}: ${text.slice(0, 1_000)}`
  } catch (error) {
    return (error as Error).name === 'TimeoutError'
      ? `The app did not respond within ${TIMEOUT_MS / 1000} seconds.`
      : `Nothing listens at ${url}.`
  }
}

/** Signs the body of a request to the app. */
export function sign(body: string, secret: string, at = Date.now()) {
  const timestamp = String(Math.floor(at / 1_000))
  const signature = createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')
  return {
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': `v0=${signature}`,
    },
    body,
  }
}

/** Returns the body of the request for a button press. */
export function bodyOf(press: ButtonPress): string {
  return new URLSearchParams({ payload: JSON.stringify(payloadOf(press)) }).toString()
}

/** @see https://docs.slack.dev/reference/interaction-payloads/block_actions-payload */
function payloadOf({ message, button, person, channelName, root }: ButtonPress) {
  const { channel: id, ts } = message
  const { block_id } = message.blocks.find((one) => one.type === 'actions' && one.elements.includes(button)) ?? {}
  return {
    type: 'block_actions',
    user: { id: person.id, username: person.name, name: person.name, team_id: person.teamId ?? team.id },
    api_app_id: app.id,
    token: 'sandbox-slack-verification-token',
    container: { type: 'message', message_ts: ts, channel_id: id, is_ephemeral: false },
    trigger_id: `${Date.now()}.1.${randomBytes(16).toString('hex')}`,
    team: { id: team.id, domain: team.domain },
    enterprise: null,
    is_enterprise_install: false,
    channel: { id, name: channelName },
    message: botMessage(message),
    state: { values: {} },
    // The fake does not serve this URL: the app uses chat.postEphemeral and chat.update.
    response_url: `${root}/actions/${team.id}/${ts.replace('.', '')}/${randomBytes(12).toString('hex')}`,
    actions: [{ ...button, block_id, action_ts: (Date.now() / 1000).toFixed(6) }],
  }
}
