import type * as z from 'zod/mini'
import type { SourceTypeName } from '../sources/load-source-type.ts'
import type { ProjectFormat } from './project.ts'
import type { Client, NoOtherMembers, Provider } from './provider.ts'

/** The state of a flag in one environment, as the platform reports it. */
export interface FlagState {
  on: boolean
  /** The share of users that see the flag while it is on, if the platform supports percentages. */
  percentage?: number | undefined
  /** The flag's page at the platform. */
  url?: string | undefined
}

/** The place of a flag at its platform. */
export interface FlagLocation {
  project: string | undefined
  environment: string
}

/** A change of one flag. Undefined values stay unchanged. */
export interface FlagChange {
  flag: string
  on: boolean | undefined
  percentage: number | undefined
}

/** A change that the platform has accepted but not made: it needs an approval or a deployment first. */
export interface PendingChange {
  id: string
  /** The platform's word for it: `approval request`. */
  noun: string
  url?: string | undefined
  /** Opaque JSON that the provider needs to poll the change. */
  providerState?: unknown
}

/** The status of a pending change. `declined` is the platform's reason for not making it. */
export type ChangeStatus =
  | { state: string; ended: false }
  | { state: string; ended: true; declined?: string | undefined }

/** A platform with feature flags. The actions `setFlag` and `setFlags` do everything else. */
export interface FlagProvider<S extends z.ZodMiniObject = z.ZodMiniObject> extends Provider<S> {
  kind: 'flag'
  /** Undefined if the connection identifies the project. */
  project: ProjectFormat | undefined
  /** `set` gets all changes of a call at once instead of one at a time. */
  setsAllAtOnce?: true
  /** Throws Failure `invalid` for a change that the platform does not support. */
  checkChange?(change: FlagChange): void
  /** Returns the state of a flag. Throws Failure `refused` if the flag or the environment does not exist. */
  get(client: Client<z.output<S>>, location: FlagLocation, flag: string): Promise<FlagState>
  /**
   * Makes changes, or requests them if they need an approval. A retry must find what an earlier attempt requested.
   *
   * @param changes one change, or all of the call with `setsAllAtOnce`; each differs from the current state
   * @returns the approval that the changes wait for; undefined if they are done
   */
  set(
    client: Client<z.output<S>>,
    location: FlagLocation,
    changes: FlagChange[],
    comment: string | undefined,
  ): Promise<PendingChange | undefined>
  /** The notifications of the end of a pending change. They wake its task. */
  notifiedBy?: {
    type: SourceTypeName
    /** Returns the id of a change in notifications. */
    wakeId(change: PendingChange, location: FlagLocation, connection: z.output<S>): string
  }
  /** Returns the status of a pending change. Required if `set` can return one. */
  getChangeStatus?(client: Client<z.output<S>>, location: FlagLocation, change: PendingChange): Promise<ChangeStatus>
}

/**
 * Declares a flag provider. The schema of its connection types the client of each function.
 *
 * @example
 * export const acme = defineFlagProvider({
 *   title: 'Acme',
 *   connection: z.strictObject({ baseUrl: url('URL of the API'), token: secret('API token') }),
 *   headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
 *   check: ({ http }) => http.get('me'),
 *   project: undefined,
 *   get: async ({ http }, { environment }, flag) =>
 *     (await http.get(`flags/${segment(environment)}/${segment(flag)}`, { schema })).body,
 *   async set({ http }, { environment }, [change]) {
 *     if (change) await http.put(`flags/${segment(environment)}/${segment(change.flag)}`, { on: change.on })
 *     return undefined
 *   },
 * })
 */
export function defineFlagProvider<S extends z.ZodMiniObject, P extends Omit<FlagProvider<S>, 'kind'>>(
  provider: P & { connection: S } & NoOtherMembers<P, FlagProvider>,
): P & { kind: 'flag' } {
  return { kind: 'flag', ...provider }
}
