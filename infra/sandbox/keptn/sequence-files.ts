import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { unknownName } from '../../../shared/validate.ts'
import { isObject, type JsonObject } from './events.ts'
import { parseShipyard, type Sequence, ShipyardError } from './shipyard.ts'
import { parseWebhookConfig, UnreadableConfigError, type Webhook, WebhookConfigError } from './webhook-config.ts'

/** The files of a sequence: its tasks (shipyard), its subscriptions (webhooks), and its trigger (event). */
export interface SequenceFiles {
  name: string
  sequences: Sequence[]
  webhooks: Webhook[]
  /** `source` is optional here, but Keptn's API rejects an event without it. */
  event: { type: string; source?: string; data: JsonObject }
}

/** The files are missing or invalid. */
export class SequenceFilesError extends Error {
  override readonly name = 'SequenceFilesError'
}

const included = fileURLToPath(new URL('./sequences/', import.meta.url))
const release = fileURLToPath(new URL('../../../examples/keptn-release/', import.meta.url))

/** Returns the names of the included sequences. */
export const sequenceNames = (): string[] => [...readdirSync(included), 'release'].sort()

/**
 * Reads an included sequence.
 *
 * @throws SequenceFilesError for an unknown name
 */
export function loadSequence(name: string): SequenceFiles {
  const names = sequenceNames()
  if (!names.includes(name)) throw new SequenceFilesError(unknownName('sequence', name, names))
  return { ...loadSequenceFolder(name === 'release' ? release : join(included, name)), name }
}

/**
 * Reads shipyard.yaml, webhook.yaml and event.json from a folder.
 *
 * @throws SequenceFilesError that names the invalid file
 */
export function loadSequenceFolder(path: string): SequenceFiles {
  return {
    name: basename(path),
    sequences: read(path, 'shipyard.yaml', parseShipyard),
    webhooks: read(path, 'webhook.yaml', parseWebhookConfig),
    event: read(path, 'event.json', parseTrigger),
  }
}

function read<T>(path: string, file: string, parse: (text: string) => T): T {
  let text: string
  try {
    text = readFileSync(join(path, file), 'utf8')
  } catch (error) {
    throw new SequenceFilesError(`cannot read ${join(path, file)}`, { cause: error })
  }
  try {
    return parse(text)
  } catch (error) {
    const known = [ShipyardError, WebhookConfigError, UnreadableConfigError, SyntaxError, SequenceFilesError]
    if (!known.some((kind) => error instanceof kind)) throw error
    throw new SequenceFilesError(`${join(path, file)}: ${(error as Error).message}`, { cause: error })
  }
}

function parseTrigger(text: string): SequenceFiles['event'] {
  const event: unknown = JSON.parse(text)
  if (isObject(event) && typeof event['type'] === 'string' && isObject(event['data'])) {
    const { type, source, data } = event
    if (['project', 'service'].every((field) => typeof data[field] === 'string'))
      return typeof source === 'string' ? { type, source, data } : { type, data }
  }
  throw new SequenceFilesError('an event must have a type, and data with at least project and service')
}
