import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, InvalidArgumentError } from 'commander'
import { readCredentials } from '../local/credentials.ts'
import { readRuntimeFile } from '../local/runtime-file.ts'
import { defaultUrl, demo } from '../platforms/sandbox/demo.ts'
import { note } from './output.ts'

/** Where a command's calls go. */
export interface Receiver {
  /** The deployed API's URL without `/v1`, or the local runtime's. */
  url: string
  token: string
}

/** An error whose sentence is all that the user needs; the exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** An answer that is not one of ours: a page of something in between. */
class StrangeAnswer extends UsageError {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** How long the state of a task is asked for in vain, in milliseconds. */
const longestAway = 600_000

/** Whether a URL leads to this machine. */
export function isLoopback(url: string): boolean {
  const hostname = URL.parse(url)?.hostname ?? ''
  return hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname)
}

/** The state folder of the local runtime. */
export function stateFolder(): string {
  return resolve(process.env['WEBHOOKS_STATE'] ?? '.webhooks')
}

/** Where the local runtime listens: WEBHOOKS_PORT, or the port of the runtime that runs with the state folder. */
function runtimeUrl(): string {
  const port = process.env['WEBHOOKS_PORT']
  if (port === undefined) return readRuntimeFile(stateFolder())?.url ?? defaultUrl
  if (!/^\d{1,5}$/.test(port)) throw new UsageError('WEBHOOKS_PORT must be a port number, such as 8787.')
  return `http://127.0.0.1:${port}`
}

/** Where calls go unless the command line says otherwise: WEBHOOKS_URL, or the local runtime. */
function receiverUrl(): string {
  return process.env['WEBHOOKS_URL'] ?? runtimeUrl()
}

/** Where the local runtime is: WEBHOOKS_URL, unless that is a deployed API. */
export function localUrl(): string {
  const url = receiverUrl()
  return receiverOf({ url: isLoopback(url) ? url : runtimeUrl() }).url
}

/** The two options of every command that calls the receiver, with the local runtime as their default. */
export function receiverOptions(command: Command): Command {
  return command
    .option(
      '--url <url>',
      'where the functions are deployed (default: WEBHOOKS_URL, or the local runtime at WEBHOOKS_PORT)',
      parseUrl,
    )
    .option('--token <token>', 'the token of a caller (default: WEBHOOKS_TOKEN, or the local demo token)')
}

/** The options as given, with defaults; a deployed URL may end in `/v1` as `cdk deploy` prints it. */
export function receiverOf({ url = receiverUrl(), token }: { url?: string | undefined; token?: string }): Receiver {
  return {
    url: url.replace(/\/+$/, '').replace(/\/v1$/, ''),
    token:
      token ??
      process.env['WEBHOOKS_TOKEN'] ??
      (isLoopback(url) ? readCredentials(stateFolder()).callerToken : demo.callerToken),
  }
}

/**
 * Calls the receiver and answers status and JSON.
 *
 * @throws UsageError where nothing answers
 */
export async function callReceiver(
  { url, token }: Receiver,
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; body: unknown }> {
  const target = path.startsWith('http') ? path : `${url}${path}`
  let response: Response
  try {
    response = await fetch(target, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } })
  } catch {
    throw new UsageError(`Nothing answers at ${new URL(target).origin}; start it with npm start, or give --url.`)
  }
  const text = await response.text()
  try {
    return { status: response.status, body: JSON.parse(text) }
  } catch {
    throw new StrangeAnswer(
      response.status,
      `${target} answered ${response.status} and no JSON: is it the URL of this project's API?`,
    )
  }
}

/**
 * Waits until a task does not run any more, which was accepted and so goes on whatever becomes of a look: what can not be read
 * for a while is asked for again.
 *
 * @throws UsageError where it can not be read for ten minutes, or is something else than ours
 * @param path of its status
 * @param every milliseconds between two looks
 * @param report gets what the task waits for, each time this changes
 */
export async function taskEnd(
  receiver: Receiver,
  path: string,
  every: number,
  report: (progress: string) => void,
): Promise<{ status: number; body: unknown }> {
  let awaySince: number | undefined
  let reported = ''
  for (;;) {
    const answer = await callReceiver(receiver, path).catch((error: UsageError) => error)
    const status = answer instanceof UsageError && !(answer instanceof StrangeAnswer) ? undefined : answer.status
    const isAway = status === undefined || status === 429 || status >= 500
    if (answer instanceof Error) {
      if (!isAway || Date.now() - (awaySince ?? Date.now()) > longestAway) throw answer
    } else if (!isAway && (status !== 200 || (answer.body as { state?: string }).state !== 'running')) {
      return answer
    } else if (!isAway) {
      const { progress } = answer.body as { progress?: string }
      if (progress && progress !== reported) report(progress)
      reported = progress ?? reported
    }
    if (isAway && awaySince === undefined) {
      const why = answer instanceof Error ? answer.message : `it answered ${status}.`
      note(`The state of the task can not be read just now: ${why} Asking again ...`)
    }
    awaySince = isAway ? (awaySince ?? Date.now()) : undefined
    await sleep(every)
  }
}

/** For an option that is a URL. */
export function parseUrl(text: string): string {
  if (!URL.canParse(text))
    throw new InvalidArgumentError('It must be a URL, such as https://abc.execute-api.eu-west-1.amazonaws.com/v1.')
  return text
}
