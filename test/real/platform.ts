import type { Served } from '../../infra/testing/loopback-server.ts'
import type { Started } from './program.ts'
import { request, startProxy } from './proxy.ts'

/** The environment variable with the program for a test file. */
export const STARTED_PROGRAM = 'STARTED_PROGRAM'

/** Returns the program that `npm run test:real` has started for this test file. */
export function startedProgram(): Started {
  const text = process.env[STARTED_PROGRAM]
  if (text === undefined) throw new Error('This file needs a real program: run npm run test:real.')
  return JSON.parse(text)
}

/** A proxy for a real server, with what the server has stored. */
interface Platform<State> extends Served {
  state: State
  /** Changes the server in another way, and reads the state again. */
  change(run: () => Promise<unknown>): Promise<void>
}

/**
 * Starts a proxy for a real server, as a platform for the suites. Its state is read at the start and after each write.
 *
 * @param members further members, such as credentials
 */
export async function startPlatform<State, Members extends object>(
  read: () => Promise<State>,
  members: Members,
): Promise<Platform<State> & Members> {
  const { url } = startedProgram()
  const state = await read()
  const server = await startProxy(url, {
    async afterEach({ method }) {
      if (method !== 'GET') platform.state = await read()
    },
  })
  const platform = Object.assign(server, members, {
    state,
    async change(run: () => Promise<unknown>) {
      await run()
      platform.state = await read()
    },
  })
  return platform
}

/**
 * Sends a request to the server itself, and returns the text of its response. Throws an error if the server refuses it.
 *
 * @param body text, or an object that is sent as JSON
 */
export async function sendText(
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: object | string,
): Promise<string> {
  const { status, body: text } = await request(`${startedProgram().url}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  if (status >= 300) throw new Error(`${method} ${path} was answered ${status}: ${text}`)
  return text
}

/** Sends a request to the server itself, and returns its response as JSON. */
// biome-ignore lint/suspicious/noExplicitAny: each server has its own responses.
export async function send(...call: Parameters<typeof sendText>): Promise<any> {
  return JSON.parse((await sendText(...call)) || 'null')
}
