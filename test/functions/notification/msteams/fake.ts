import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import type { Call, Reply } from '../../../../infra/testing/loopback-server.ts'
import { type MessageRow, startWith } from '../../../conformance/row.ts'

export interface Card {
  type: string
  version: string
  fallbackText: string
  body: object[]
  actions: { type: string; title: string; url: string; mode?: string }[]
}

type State = ReturnType<typeof initial>

const WORKFLOW = '8f14e45fceea167a5a36dedd4bea2543'
const SIGNATURE = 'Zm9yLWEtdGVzdC1vZi1hLXNpZ25hdHVyZS1vbmx5LQ'
const QUERY = `?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=${SIGNATURE}`
/** Teams accepts about 28 KB, with the metadata that it adds. */
const MAX_CARD_BYTES = 21_000
const UNSIGNED = fail(
  401,
  'DirectApiAuthorizationRequired',
  'The request must be authenticated only by Shared Access scheme.',
)
const INVALID_SIGNATURE = fail(
  401,
  'DirectApiInvalidAuthorizationSignature',
  'The provided authorization signature is not valid.',
)
const DISABLED = fail(
  400,
  'WorkflowTriggerIsNotEnabled',
  `Could not execute workflow '${WORKFLOW}' trigger 'manual' with state 'Disabled': trigger is not enabled.`,
)

const initial = () => ({
  /** The cards in the channel, oldest first. */
  cards: [] as Card[],
  /** Errors of failed runs. The sender does not see them. */
  failedRuns: [] as string[],
  isOn: true,
})

/**
 * A fake of a workflow of the template "Send webhook alerts to a channel". It responds before it posts the card.
 *
 * @see https://learn.microsoft.com/en-us/azure/connectors/connectors-native-reqres
 * @see https://learn.microsoft.com/en-us/connectors/teams/#microsoft-teams-webhook
 */
export const teamsServer = definePlatform({
  state: initial,
  refuses: refuse,
  routes: {
    'POST /workflows/{workflow}/triggers/manual/paths/invoke': ({ state, body, text }) => {
      if (!state.isOn) return DISABLED
      const mismatch = schemaMismatch(body)
      if (mismatch) return fail(400, 'TriggerInputSchemaMismatch', mismatch)
      run(state, body.attachments, Buffer.byteLength(text))
      return { status: 202, headers: { 'x-ms-workflow-run-id': '08584' } }
    },
  },
  notFound: fail(404, 'NotFound', 'There is no such trigger.'),
  members: (state, { url }) => ({
    /** The URL that a saved workflow shows. */
    webhookUrl: `${url}/workflows/${WORKFLOW}/triggers/manual/paths/invoke${QUERY}`,
    cards: state.cards,
    failedRuns: state.failedRuns,
    /** Turns the workflow off. */
    turnOff() {
      state.isOn = false
    },
  }),
})

function fail(status: number, code: string, message: string): Reply {
  return { status, body: { error: { code, message } } }
}

function refuse({ path, query }: Call): Reply | undefined {
  const [, , workflow] = path.split('/')
  if (workflow !== WORKFLOW) return fail(404, 'WorkflowNotFound', `The workflow '${workflow}' could not be found.`)
  if (!query.has('sig')) return UNSIGNED
  const isValid = query.get('sig') === SIGNATURE && query.get('sp') === '/triggers/manual/run'
  return isValid && query.get('sv') === '1.0' ? undefined : INVALID_SIGNATURE
}

function schemaMismatch({ type, attachments }: { type?: unknown; attachments?: unknown }): string | undefined {
  const mismatch = (details: string) =>
    `The input body for trigger 'manual' of type 'Request' did not match its schema definition. Error details: '${details}'.`
  if (type !== 'message') return mismatch('Required properties are missing from object: type.')
  if (!Array.isArray(attachments)) return mismatch('Invalid type. Expected Array but got Null.')
  const isComplete = attachments.every((attachment) => attachment?.contentType && attachment?.content)
  return isComplete ? undefined : mismatch('Required properties are missing from object: contentType, content.')
}

function run({ cards, failedRuns }: State, attachments: { contentType: string; content: Card }[], bytes: number): void {
  for (const { contentType, content } of attachments) {
    if (contentType !== 'application/vnd.microsoft.card.adaptive') failedRuns.push('Not an Adaptive Card')
    else if (bytes > MAX_CARD_BYTES) failedRuns.push('Request Entity too large')
    else cards.push(content)
  }
}

export const messageRow = {
  writes: /^POST /,
  start: startWith(teamsServer, ({ webhookUrl }) => ({ connection: { webhookUrl } })),
} satisfies MessageRow
