import * as z from 'zod/mini'
import { Failure, type FieldError, invalidFields } from '../../errors.ts'
import { list, oneOf, optional, secret, secretHeaders, text, url } from '../../fields.ts'
import { Http } from '../../http/client.ts'
import { urlTexts } from '../../http/credentials.ts'
import { log } from '../../log.ts'
import { registerSecret } from '../../redact.ts'
import { evaluate } from '../evaluate.ts'
import { originOf } from '../event/event.ts'
import {
  type Answer,
  type AnswerableCall,
  type AnsweredTask,
  defineOrchestrator,
  type InteractiveCall,
  type Orchestrator,
} from '../orchestrator.ts'
import { type CallUrls, isAllowedAddress, readCallUrls } from './address.ts'
import { callbackMessageOf } from './message.ts'

const prefix = url('').check(
  z.refine((value) => value.endsWith('/') && !/[?#]/.test(value), {
    message: 'must end with a slash, and have neither a query nor a fragment',
  }),
)

const key = (description: string) =>
  secret(description).check(
    z.regex(/^whsec_[A-Za-z\d+/]{32,86}={0,2}$/, 'must be whsec_ and the base64 of 24 to 64 random bytes'),
  )

/** The receiver waits for this one. */
const includesFinished = z.refine<string[]>((events) => events.includes('finished'), {
  message: 'must include finished',
})

/** The secret of receivers that get a POST request: at a fixed URL, or at a URL that each call supplies. */
export const callbackSecret = z
  .strictObject({
    type: z.literal('callback'),
    allow: optional(
      list(prefix, 'Prefixes of the URLs that calls may supply, each with a slash at the end').check(z.minLength(1)),
    ),
    url: optional(url('The URL for the answers to calls that supply none')),
    format: z._default(oneOf(['standard', 'cloudevents', 'cdevents', 'plain'], 'The format of the body'), 'standard'),
    body: optional(text("JMESPath expression that returns another body, such as {approved: verdict == 'pass'}")),
    signingKey: optional(key('Signs each request (Standard Webhooks): whsec_ and base64')),
    previousSigningKey: optional(key('The previous signing key: until it is removed, requests have both signatures')),
    headers: optional(secretHeaders('Headers for each request')),
    events: z._default(
      list(
        z.enum(['started', 'progress', 'finished']),
        'The answers for the fixed URL: started, progress, finished',
      ).check(includesFinished),
      ['finished'],
    ),
    method: z._default(oneOf(['POST', 'PUT'], 'The HTTP method'), 'POST'),
    ca: optional(text('PEM of a private certificate authority')),
  })
  .check(
    z.refine((secret) => secret.url !== undefined || secret.allow !== undefined, {
      message: 'must have url, allow or both',
    }),
    z.refine(({ format, signingKey }) => format === 'plain' || signingKey !== undefined, {
      message: 'must have signingKey unless format is plain. Create one: echo "whsec_$(openssl rand -base64 32)"',
    }),
    z.refine(({ format, body }) => body === undefined || format === 'standard' || format === 'plain', {
      message: 'must not have body with format cloudevents or cdevents',
    }),
  )

type Settings = z.output<typeof callbackSecret>

/** After this many attempts, about a minute, a refusal by the URL of a call means that it no longer waits. */
const MAX_REFUSED_ATTEMPTS = 5
/** About two hours. An engine answers 409 until the workflow reaches the step that waits. */
const MAX_EARLY_ATTEMPTS = 30
const REQUEST_TIMEOUT_MS = 15_000

export const callbackType = defineOrchestrator({ secret: callbackSecret, connect: callback })

/** Returns the orchestrator for receivers of signed requests. */
export function callback(settings: Settings): Orchestrator {
  return {
    parse: (call) => parse(settings, call),
    send: (task, answer, uncertainAttempts) => send(settings, task, answer, uncertainAttempts),
    check: () => check(settings),
  }
}

function parse({ allow = [], url: fixedUrl }: Settings, { event, body, isCancel }: InteractiveCall): AnswerableCall {
  const errors: FieldError[] = []
  const { id } = event
  if (id === undefined)
    errors.push({
      path: 'id',
      message: 'is required, so that a repeat of the call is the same task: send id, or ?key=<id>',
    })
  const callback = body['callback']
  let urls: CallUrls | undefined
  if (callback !== undefined) {
    const read = readCallUrls(callback, allow)
    if ('errors' in read) errors.push(...read.errors)
    else urls = read
  } else if (fixedUrl === undefined && !isCancel) {
    errors.push({
      path: 'callback',
      message: `is required: send the URL for the answer, below one of the allowed prefixes: ${allow.join(', ')}`,
    })
  }
  if (id === undefined || errors.length > 0) throw invalidFields(errors)
  const replyTo = urls && JSON.stringify(urls)
  return { ...originOf(event), id, isDetailed: true, answersRepeats: true, replyTo }
}

/**
 * Sends an answer. A repeat has the same id, by which the receiver recognizes it.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
async function send(
  settings: Settings,
  task: AnsweredTask,
  answer: Answer,
  uncertainAttempts: number,
): ReturnType<Orchestrator['send']> {
  if (answer.kind === 'heartbeat') return 'sent'
  const isFixed = task.replyTo === undefined
  const target = targetOf(settings, task, answer)
  // The URL of a call can be used once.
  if (answer.kind !== 'finished' && (!isFixed || !settings.events.includes(answer.kind))) return 'sent'
  if (answer.kind === 'progress' && settings.format === 'cdevents') return 'sent'
  try {
    await post(settings, target, task, answer)
    return 'sent'
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const status = error.response?.status
    // A change of the secret can end a 403.
    const isRefused = error.kind === 'refused' && status !== undefined && status !== 403
    const maxAttempts = status === 409 ? MAX_EARLY_ATTEMPTS : MAX_REFUSED_ATTEMPTS
    const isGone = status === 410 || (!isFixed && isRefused && uncertainAttempts + 1 >= maxAttempts)
    if (!isGone) throw error
    log.warn('answer refused', { kind: error.kind, reason: error.message })
    return 'unwanted'
  }
}

/** @throws Failure `misconfigured` if the secret no longer allows the URL of the call */
function targetOf({ url: fixedUrl, allow = [] }: Settings, { replyTo }: AnsweredTask, answer: Answer): URL {
  if (replyTo === undefined) {
    if (fixedUrl === undefined)
      throw new Failure('misconfigured', 'The secret of the orchestrator no longer has a url.')
    return new URL(fixedUrl)
  }
  const { url, urls }: CallUrls = JSON.parse(replyTo)
  const isFailure = answer.kind === 'finished' && answer.outcome.result === 'fail'
  const chosen = url ?? (isFailure ? urls?.fail : urls?.pass) ?? ''
  if (!isAllowedAddress(chosen, allow))
    throw new Failure('misconfigured', 'The secret of the orchestrator no longer allows the URL of the call.')
  const target = new URL(chosen)
  // The receiver may repeat parts of it in an error.
  for (const text of urlTexts(target)) registerSecret(text)
  return target
}

async function post(settings: Settings, target: URL, task: AnsweredTask, answer: Answer): Promise<void> {
  const { createHash } = await import('node:crypto')
  const uniquePart =
    answer.kind === 'progress' ? createHash('sha256').update(answer.message).digest('hex').slice(0, 12) : ''
  const { format } = await import('./format.ts')
  const message = callbackMessageOf(task, answer, uniquePart)
  const { contentType, body } = format(message, settings.format)
  const custom =
    settings.body === undefined ? undefined : JSON.stringify(await evaluate(settings.body, message.content, 'body'))
  const sent = custom ?? body
  const keys = [settings.signingKey, settings.previousSigningKey].filter((key) => key !== undefined)
  const signed = await signedHeaders(keys, message.id, sent)
  await clientOf(settings, target).request(settings.method, `${target.pathname}${target.search}`, {
    body: sent,
    headers: { 'content-type': contentType, ...signed },
    urlAlias: 'the callback URL',
  })
}

async function signedHeaders(keys: string[], id: string, body: string): Promise<Record<string, string>> {
  if (keys.length === 0) return {}
  const { signatureHeaders } = await import('./signature.ts')
  return signatureHeaders(keys, id, Date.now(), body)
}

function clientOf({ headers, ca }: Settings, { origin }: URL): Http {
  return new Http({
    platform: new URL(origin).host,
    baseUrl: origin,
    headers: headers ?? {},
    ca,
    deadlineAt: Date.now() + REQUEST_TIMEOUT_MS,
  })
}

/** Checks that each server responds. A request to a URL of a call could use it up, so the prefixes are requested. */
async function check(settings: Settings): Promise<void> {
  if (settings.body !== undefined) await evaluate(settings.body, EXAMPLE, 'body')
  for (const target of [settings.url, ...(settings.allow ?? [])]) {
    if (target === undefined) continue
    const { pathname, search } = new URL(target)
    try {
      const path = `${pathname}${search}`
      await clientOf(settings, new URL(target)).request('OPTIONS', path, { isRead: true, urlAlias: 'the callback URL' })
    } catch (error) {
      const isRefused = error instanceof Failure && (error.kind === 'refused' || error.response?.status === 501)
      // Most receivers allow POST only.
      if (!isRefused && !(target !== settings.url && error instanceof Failure && error.kind === 'credentials'))
        throw error
    }
  }
}

/** The example with which the template of `body` is checked. */
const EXAMPLE = {
  taskId: '0'.repeat(40),
  id: 'example',
  caller: 'example',
  category: 'example',
  action: 'example',
  verdict: 'pass',
  status: 'succeeded',
  result: 'pass',
  message: 'Done',
  data: {},
  links: {},
}
