import { type Call, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

export interface Card {
  type: string
  version: string
  fallbackText: string
  body: object[]
  actions: { type: string; title: string; url: string; mode?: string }[]
}

export interface TeamsServer extends Served {
  /** The URL that a saved workflow shows. */
  webhookUrl: string
  /** The cards in the channel, in order. */
  cards: Card[]
  /** Errors of failed runs. The sender does not see them. */
  failedRuns: string[]
  /** Turns the workflow off. */
  turnOff(): void
}

const workflow = '8f14e45fceea167a5a36dedd4bea2543'
const path = `/workflows/${workflow}/triggers/manual/paths/invoke`
const signature = 'Zm9yLWEtdGVzdC1vZi1hLXNpZ25hdHVyZS1vbmx5LQ'
const query = `?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=${signature}`
/** About 28 KB, with what others have measured. */
const largestCard = 21_000

/**
 * A workflow of the template "Send webhook alerts to a channel": its trigger answers at once, and the card is posted after.
 *
 * @see https://learn.microsoft.com/en-us/azure/connectors/connectors-native-reqres
 * @see https://learn.microsoft.com/en-us/connectors/teams/#microsoft-teams-webhook
 */
export async function teamsServer(): Promise<TeamsServer> {
  const state = { cards: [] as Card[], failedRuns: [] as string[], on: true }
  const served = await serve((call) => answer(state, call))
  const turnOff = () => {
    state.on = false
  }
  return Object.assign(served, { ...state, webhookUrl: `${served.url}${path}${query}`, turnOff })
}

function fail(status: number, code: string, message: string): Reply {
  return { status, body: { error: { code, message } } }
}

function answer(state: { cards: Card[]; failedRuns: string[]; on: boolean }, call: Call): Reply {
  const { method, query, body } = call
  if (call.path !== path) {
    return fail(404, 'WorkflowNotFound', `The workflow '${call.path.split('/')[2]}' could not be found.`)
  }
  if (!query.has('sig')) {
    const message = 'The request must be authenticated only by Shared Access scheme.'
    return fail(401, 'DirectApiAuthorizationRequired', message)
  }
  if (query.get('sig') !== signature || query.get('sp') !== '/triggers/manual/run' || query.get('sv') !== '1.0') {
    const message = 'The provided authorization signature is not valid.'
    return fail(401, 'DirectApiInvalidAuthorizationSignature', message)
  }
  if (method !== 'POST') return fail(404, 'NotFound', 'There is no such trigger.')
  if (!state.on) {
    const message = `Could not execute workflow '${workflow}' trigger 'manual' with state 'Disabled': trigger is not enabled.`
    return fail(400, 'WorkflowTriggerIsNotEnabled', message)
  }
  const wrong = faultOf(body)
  if (wrong !== undefined) {
    const message = `The input body for trigger 'manual' of type 'Request' did not match its schema definition. Error details: '${wrong}'.`
    return fail(400, 'TriggerInputSchemaMismatch', message)
  }
  run(state, call)
  return { status: 202, headers: { 'x-ms-workflow-run-id': '08584' } }
}

function faultOf(body: unknown): string | undefined {
  const { type, attachments } = (body ?? {}) as { type?: unknown; attachments?: unknown }
  if (type !== 'message') return 'Required properties are missing from object: type.'
  if (!Array.isArray(attachments)) return 'Invalid type. Expected Array but got Null.'
  const isComplete = attachments.every((one) => one?.contentType && one?.content)
  return isComplete ? undefined : 'Required properties are missing from object: contentType, content.'
}

function run({ cards, failedRuns }: { cards: Card[]; failedRuns: string[] }, { body, text }: Call): void {
  const { attachments } = body as { attachments: { contentType: string; content: Card }[] }
  for (const { contentType, content } of attachments) {
    if (contentType !== 'application/vnd.microsoft.card.adaptive') failedRuns.push('Not an Adaptive Card')
    else if (Buffer.byteLength(text) > largestCard) failedRuns.push('Request Entity too large')
    else cards.push(content)
  }
}
