import { beforeEach } from '@jest/globals'
import { startOnce } from '../functions/helpers.ts'
import { SIGNING_KEY, startReceiver } from '../shared/orchestrators/callback/receiver.ts'
import type { CompletedTask } from './lifecycle.ts'
import { useLifecycle } from './platform.ts'

export const KEY = 'a-key-for-reply-addresses-of-the-tests-0123456789'
export const SECRET_PART = 'f3b1c0ffee5ec2e7a9d8'
export const CALLER = 'callback'
export const TARGET = 'open-ticket?connection=ticket'

/** Prepares calls of an orchestrator that gets its answers at a URL. It allows the URLs of the receiver. */
export function useCallback() {
  const { lifecycle, platform } = useLifecycle()
  const receiver = startOnce(startReceiver)
  const orchestrator = (settings: object) =>
    lifecycle.replace('orchestrators/callback', { type: 'callback', signingKey: SIGNING_KEY, ...settings })
  beforeEach(() => {
    receiver.reset()
    orchestrator({ allow: [`${receiver.url}/wait/`] })
    lifecycle.replace('callbacks', { key: KEY })
  })

  let calls = 0
  const call = (event: object = {}) => ({ id: `run-${++calls}`, input: { title: 'Checkout is slow' }, ...event })
  const callback = () => `${receiver.url}/wait/${SECRET_PART}`
  return {
    lifecycle,
    platform,
    receiver,
    orchestrator,
    call,
    callback,
    callWithUrl: () => call({ callback: callback() }),
    /** The webhook accepts an interactive call. */
    accept: (event: object) => lifecycle.accept(TARGET, event, CALLER),
    openTicket: (event: object, options = {}): Promise<CompletedTask> =>
      lifecycle.call(TARGET, event, { caller: CALLER, ...options }),
  }
}
