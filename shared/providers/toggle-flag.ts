import * as z from 'zod/mini'
import { checkFirst, outcomeUnknown } from '../errors.ts'
import { onOff, optional } from '../fields.ts'
import type { JobAction } from './action.ts'
import type { FlagChange, FlagProvider } from './flag.ts'
import type { SetFlags } from './flag-outcome.ts'
import { type Client, hasIdempotencyKey } from './provider.ts'
import { setFlag } from './set-flags.ts'

/** The complete input of `toggleFlag`. */
export interface ToggleFlag extends SetFlags {
  /** The call names neither a state nor a percentage. */
  toggles?: true
}

/** Sets one flag like `setFlag`, or switches it to its other state if the call names neither a state nor a percentage. */
export const toggleFlag: JobAction<FlagProvider, ToggleFlag, Parameters<typeof setFlag.complete>[0]> = {
  ...setFlag,
  needs: ['toggles'],
  summary:
    'Switches a feature flag on or off, or to its other state, and returns its state before and after, as read back',
  input: z.extend(setFlag.input, {
    state: optional(onOff('on or off. Without it and without percentage, the flag is switched to its other state')),
  }),
  complete({ state, ...input }, context) {
    const toggles = state === undefined && input.percentage === undefined
    const completed = setFlag.complete({ ...input, state: toggles ? 'on' : state }, context)
    if (!toggles) return completed
    return { ...completed, changes: completed.changes.map((change) => ({ ...change, on: undefined })), toggles }
  },
  async run(provider, client, { toggles, ...input }) {
    if (!toggles) return setFlag.run(provider, client, input)
    const changes = await Promise.all(input.changes.map((change) => switched(provider, client, input, change)))
    return setFlag.run(provider, client, { ...input, changes })
  },
}

/**
 * Returns the change that switches a flag to its other state. The state is recorded before the first write, so that a repeat
 * does not switch the flag back.
 *
 * @throws Failure `unavailable`; `unconfirmed` if the call has no id by which a repeat could be recognized
 */
async function switched(
  provider: FlagProvider,
  client: Client,
  location: SetFlags,
  { flag, ...change }: FlagChange,
): Promise<FlagChange> {
  const { on } = await provider.get(client, location, flag)
  if (hasIdempotencyKey(client)) {
    // Loaded when used: a webhook does not need it for interactive calls.
    const { decideState } = await import('../state/toggles.ts')
    return { ...change, flag, on: await decideState(client.idempotencyKey, !on) }
  }
  if (!client.isRetry) return { ...change, flag, on: !on }
  throw outcomeUnknown(
    `It is unknown whether ${flag} was switched, and the call has no id. ${checkFirst(provider.title)}`,
  )
}
