import type { Served } from '../../infra/testing/loopback-server.ts'
import type { JobPlatform } from './job-platform.ts'
import type { FlagPlatform, TicketPlatform } from './platform.ts'

/** A fake platform for one call, with the connection and the input of the call. */
interface Target {
  server: Served
  /** The secret of the connection, without the name of the provider. */
  connection: Record<string, unknown>
  input?: Record<string, unknown>
  /** Returns how many things the platform created, for writes that may be sent twice. */
  made?: () => number
}

/** The differences between providers. */
export interface WriteRow {
  action: string
  /** Matches the requests that write: `POST /path`, or an AWS operation. */
  writes: RegExp
  /** Why the same write may be sent again: the platform treats both as one. */
  repeatable?: string
  /** Accepts interactive calls only. */
  needsTask?: true
  /** The platform sends the result itself, which only Keptn accepts. */
  delegates?: true
  start(): Promise<Target>
}

/** A platform of flags. */
export type FlagRow = FlagPlatform

/** A platform of messages, whose action depends on the category. */
export type MessageRow = Omit<WriteRow, 'action'>

/** A platform of tickets, and the request that opens one. */
export type TicketRow = TicketPlatform & Pick<WriteRow, 'writes' | 'repeatable'>

/** A platform of jobs. */
export interface JobRow extends JobPlatform {
  /** The action that starts a run, if it is not that of the category. */
  action?: string
  /** Accepts interactive calls only. */
  needsTask?: true
  /** Its runs cannot be stopped. */
  cannotStop?: true
  /** Returns the fields of a connection that signs in, instead of the token. */
  signIn?(server: Served): object
}

/** Returns a function that starts a fake platform and describes how a test controls it. */
export function startWith<S extends Served, P extends object>(start: () => Promise<S>, describe: (server: S) => P) {
  return async () => {
    const server = await start()
    return { server, ...describe(server) }
  }
}

/** Returns how a test counts runs, identifies the newest one, and reads whether it has stopped. */
export function runsIn(read: () => [id: string | number, isStopped: boolean][]) {
  return {
    runs: () => read().length,
    id: () => String(read().at(-1)?.[0]),
    finishStop: () => read().at(-1)?.[1] === true,
  }
}

/** Returns how a test lets a run start and end: by entering a state. */
export function stages(enter: (state: string) => unknown, started: string | undefined, ended: string) {
  return {
    enter: (state: string) => void enter(state),
    letStart: () => void (started && enter(started)),
    end: () => void enter(ended),
  }
}

/** Returns a `finishStop` for a platform whose runs have a state between the request to stop and the stop. */
export function stopsWhenAsked(
  enter: (state: string) => unknown,
  stateOf: () => unknown,
  asked: string,
  stopped: string,
): () => boolean {
  return () => {
    if (stateOf() === asked) enter(stopped)
    return stateOf() === stopped
  }
}

/** Inputs that several platforms of tickets accept. */
export const ticketInputs = { wrongId: 'no such thing', close: { comment: 'Rolled back' } }
export const issueInputs = {
  ...ticketInputs,
  open: { labels: 'shop,urgent', priority: 'high' },
  update: { comment: 'Now 5 s', labels: ['sev1'], priority: 'critical' },
}
export const alertInputs = {
  unknownId: undefined,
  wrongId: ' no such thing',
  blind: true as const,
  open: { severity: 'critical', labels: 'shop' },
  update: { severity: 'low' },
  close: {},
}

/** The fields of most connections. */
export const withToken = ({ url: baseUrl, token }: { url: string; token: string }) => ({ baseUrl, token })

/**
 * Returns a function that starts a fake platform of tickets whose connection has a URL and a token.
 *
 * @param tickets the list of the fake that holds its tickets
 * @param fields properties of the fake that are also fields of the connection
 */
export function playTickets<
  K extends string,
  S extends Served & { token: string; state: Record<K, readonly unknown[]> },
>(start: () => Promise<S>, tickets: K, settings: object = {}, fields: (keyof S)[] = []) {
  return startWith(start, (server) => ({
    connection: {
      ...withToken(server),
      ...settings,
      ...Object.fromEntries(fields.map((name) => [name, server[name]])),
    },
    made: () => server.state[tickets].length,
  }))
}
