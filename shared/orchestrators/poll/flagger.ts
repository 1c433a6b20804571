import { nest } from '../../dotted-keys.ts'
import { isRecord } from '../../record.ts'

/**
 * A request of Flagger, which sends its own body, and cannot send other headers.
 *
 * @see https://docs.flagger.app/usage/webhooks
 */
export interface FlaggerRequest {
  /** Identifies the rollout of one version. Without the phase: it changes when a gate is closed. */
  key: string
  /** The token of the caller: the metadata of the webhook is the only place for it. */
  token: string | undefined
  /** The same as fields of a call. */
  body: Record<string, unknown>
}

/** @returns undefined if the body is not that of Flagger */
export function parseFlagger(body: Record<string, unknown>): FlaggerRequest | undefined {
  const { name, namespace, phase, checksum, metadata = {} } = body
  if (typeof name !== 'string' || typeof namespace !== 'string' || typeof phase !== 'string' || !isRecord(metadata))
    return undefined
  const texts = Object.entries(metadata).filter((pair): pair is [string, string] => typeof pair[1] === 'string')
  const { key, token, eventMessage } = Object.fromEntries(texts)
  const fields = nest(texts.filter(([field]) => /^(?:data|input)\./.test(field)))
  const about = { stage: namespace, service: name, ...(eventMessage === undefined ? {} : { message: eventMessage }) }
  return {
    key: [namespace, name, checksum, key].filter((part) => typeof part === 'string' && part !== '').join('/'),
    token,
    body: { ...fields, context: `${namespace}/${name}`, data: { ...about, ...(fields['data'] as object | undefined) } },
  }
}
