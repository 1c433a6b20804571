import { json } from '../core/http/responses.ts'
import { Failure, toSentence } from '../errors.ts'
import type { WebhookResponse } from '../http/response.ts'
import { log } from '../log.ts'
import type { PublicRoute, RouteRequest } from '../providers/category.ts'
import { connect } from '../providers/connect.ts'
import { loadConnection } from '../providers/connections.ts'
import type { MessageProvider, Person } from '../providers/message.ts'
import { redact } from '../redact.ts'
import { decide, tooEarly } from './decide.ts'
import { inWords } from './decision.ts'
import { bareName, refusalOf } from './person.ts'
import { readReference } from './signed-link.ts'
import { readQuestion } from './store.ts'

/** What a platform may take to be told something; Slack waits three seconds for its answer. In milliseconds. */
const timeToTell = 2_500

/**
 * Takes the clicks on the buttons of a platform. They carry no token of a caller: our own signature says which question is
 * meant, that of the platform who has clicked.
 *
 * @param provider its name in the category
 */
export function clicksOf(provider: string): PublicRoute {
  return async (category, request) => {
    if (request.method !== 'POST')
      throw new Failure('method', `${request.method} is not allowed here: clicks come by POST.`, {
        headers: { allow: 'POST' },
      })
    try {
      return await clicked((await category.providers[provider]?.()) as MessageProvider, category, request)
    } catch (error) {
      if (error instanceof Failure && error.kind === 'unauthenticated')
        log.warn('a click was refused', { provider, reason: error.message })
      throw error
    }
  }
}

async function clicked(
  provider: MessageProvider,
  category: Parameters<PublicRoute>[0],
  request: RouteRequest,
): Promise<WebhookResponse> {
  const { buttons } = provider
  const reference = buttons?.readToken(request)
  if (!buttons || reference === undefined) throw new Failure('unauthenticated', 'This click is none of ours.')
  const { taskId, expired } = await readReference(reference, request.now)
  log.appendKeys({ taskId })
  const kept = await readQuestion(taskId)
  if (!kept) throw new Failure('unknown', 'There is no such question any more.')
  const connection = await loadConnection(category, kept.question.connection)
  if (!kept.question.buttons || connection.provider !== (provider as unknown))
    throw new Failure('unauthenticated', 'This question was not asked here.')
  const click = await buttons.verify(connection.values, request)
  const client = () =>
    connect(connection, { idempotencyKey: undefined, isRetry: false, deadlineAt: Date.now() + timeToTell })
  const tell = async (text: string) => answer(await buttons.replyTo(client(), click, text))

  if (kept.decision) return tell(`Already decided. ${inWords(kept.decision)}.`)
  if (expired || kept.question.deadlineAt <= request.now)
    return tell('This question has expired: nobody has decided in time.')
  const { requester } = kept.question
  const [person, requesterId] = await Promise.all([
    buttons.getPerson(client(), click),
    requester === undefined ? undefined : buttons.findMemberId(client(), bareName(requester)),
  ])
  const refusal = refusalOf(kept.question, person, requesterId)
  if (refusal) {
    log.info('a click was not taken', { by: person.name, reason: refusal })
    return tell(refusal)
  }
  const at = new Date(request.now).toISOString()
  const decided = await decide(category.name, taskId, kept, { decision: click.decision, by: redact(whoIs(person)), at })
  if (decided.became === 'late') return tell(`Already decided. ${inWords(decided.decision)}.`)
  if (decided.became === 'early') return tell(tooEarly)
  if (decided.became === 'ended')
    return tell(`This question has ended. ${toSentence(decided.how)} Your click changed nothing.`)
  log.info('a question was decided', { decision: click.decision, by: person.name })
  return answer(undefined)
}

/** With what the platform knows them by: a name that is shown can be changed by whoever bears it. */
function whoIs({ name, names: [id] }: Person): string {
  return id === undefined || id === name ? name : `${name} (${id})`
}

function answer(body: unknown): WebhookResponse {
  if (body !== undefined) return json(200, body)
  return { statusCode: 200, headers: { 'cache-control': 'no-store' }, body: '' }
}
