import type { Served } from '../../infra/testing/loopback-server.ts'

/** A fake platform and its connection. */
export interface Played {
  server: Served
  /** The secret of the connection. */
  connection: Record<string, unknown>
  /** Returns the number of tickets. */
  made?: () => number
}

/** The differences between ticket platforms. */
export interface TicketPlatform {
  start(): Promise<Played>
  /** A valid id of no ticket; undefined if the platform does not report that. */
  unknownId: string | undefined
  /** An invalid id; undefined if any text is valid. */
  wrongId?: string
  /** Input of update besides the title. */
  update: Record<string, unknown>
  /** Input of close. */
  close: Record<string, unknown>
  /** Input of open besides title and description. */
  open: Record<string, unknown>
  /** Whether closed tickets stay closed. */
  neverReopens?: true
  /** Whether the state can be read back. */
  blind?: true
}

/** The differences between flag platforms. */
export interface FlagPlatform<S extends Served = Served> {
  start(): Promise<{ server: S; connection: Record<string, unknown>; complete?: () => void }>
  /** A flag that is off and a flag that is on. */
  flags: { off: string; on: string }
}
