import { logCause } from '../core/log-cause.ts'
import { Failure } from '../errors.ts'
import { isSame } from '../hmac.ts'
import type { WebhookResponse } from '../http/response.ts'
import { log } from '../log.ts'
import { identityOf } from '../people/identity.ts'
import { readPeople } from '../people/secret.ts'
import type { RouteRequest } from '../providers/category.ts'
import { countCall } from '../state/call-rate.ts'
import { findApproval } from './find-approval.ts'
import { refusalPage } from './page.ts'
import { pageUrlOf, SIGN_IN } from './page-url.ts'
import { cookieOf, open, readCookie, seal, session, signInState } from './sealed-cookie.ts'

/** Load this module with `import()`: only people who sign in need it. */

/**
 * For each approval in a minute, so that no one can make the functions send many requests to the provider. Each of 30 sign-ins has two
 * requests.
 */
const MAX_REQUESTS = 60

/**
 * Sends a person to the OpenID provider.
 *
 * @param token of the approval
 * @throws Failure if the link is not valid
 */
export async function respondToSignInStart(
  category: string,
  token: string,
  request: RouteRequest,
): Promise<WebhookResponse> {
  const { now, query } = request
  const { taskId, isOver } = await findApproval(token, now)
  return orRefusal(pageUrlOf(request, token), async (pageUrl) => {
    const people = await readPeople()
    if (!people || isOver) return redirect(pageUrl)
    await limitSignIns(category, taskId, now)
    const provider = await import('../people/sign-in.ts')
    const isAgain = query['again'] !== undefined
    const { url, state } = await provider.startSignIn(people, redirectUriOf(request), isAgain, (started) =>
      seal(signInState, { token, ...started }, now),
    )
    return redirect(url, cookieOf(state))
  })
}

/**
 * Signs in a person who comes back from the provider, and shows the question again: no one decides by following a link. Only the browser
 * that has started the sign-in has the state as its cookie.
 *
 * @throws Failure `unauthenticated` if this browser did not start the sign-in
 */
export async function respondToSignInEnd(category: string, request: RouteRequest): Promise<WebhookResponse> {
  const { now, headers, query } = request
  const { state = '' } = query
  const cookie = readCookie(headers)
  const started = cookie !== undefined && isSame(cookie, state) ? await open(signInState, state, now) : undefined
  if (!started)
    throw new Failure(
      'unauthenticated',
      'This sign-in was not started in this browser, or it took more than ten minutes. Open the link of the approval again.',
    )
  const { token, ...proof } = started
  const { taskId, stored } = await findApproval(token, now)
  return orRefusal(pageUrlOf(request, token), async (pageUrl) => {
    const people = await readPeople()
    if (!people) return redirect(pageUrl, cookieOf())
    await limitSignIns(category, taskId, now)
    const provider = await import('../people/sign-in.ts')
    const claims = await provider.finishSignIn(people, redirectUriOf(request), query, proof)
    const { groups, ...person } = identityOf(claims, people)
    const group = groups.find((name) => stored.approval.approvers?.includes(name))
    return redirect(pageUrl, cookieOf(await seal(session, { taskId, ...person, group }, now)))
  })
}

/** Shows why a person is not signed in, with a link to the question. The sign-in cannot be used again. */
async function orRefusal(
  pageUrl: string,
  signIn: (pageUrl: string) => Promise<WebhookResponse>,
): Promise<WebhookResponse> {
  try {
    return await signIn(pageUrl)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    log.warn('sign-in refused', { kind: error.kind, reason: error.message })
    logCause(error)
    const page = refusalPage(error, { title: 'You are not signed in', pageUrl })
    return { ...page, headers: { ...page.headers, 'set-cookie': cookieOf() } }
  }
}

async function limitSignIns(category: string, taskId: string, now: number): Promise<void> {
  // No caller has a name with this character.
  const { calls, secondsLeft } = await countCall(category, `sign-in#${taskId}`, now)
  if (calls <= MAX_REQUESTS) return
  throw new Failure('limited', `There were too many sign-ins for this approval. Try again in ${secondsLeft} seconds.`, {
    retryAfter: secondsLeft,
  })
}

function redirectUriOf(request: RouteRequest): string {
  return pageUrlOf(request, SIGN_IN)
}

function redirect(location: string, cookie?: string): WebhookResponse {
  const headers = { location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }
  return {
    statusCode: 303,
    headers: { ...headers, ...(cookie === undefined ? {} : { 'set-cookie': cookie }) },
    body: '',
  }
}
