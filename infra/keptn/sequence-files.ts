import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isObject, type JsonObject } from './events.ts'
import { parseShipyard, type Sequence, ShipyardError } from './shipyard.ts'
import { parseWebhookConfig, UnreadableConfigError, type Webhook, WebhookConfigError } from './webhook-config.ts'

/** What a run is played from: who does what when (shipyard), who is called (webhooks), and what sets it off (event). */
export interface SequenceFiles {
  name: string
  sequences: Sequence[]
  webhooks: Webhook[]
  event: { type: string; data: JsonObject }
}

/** The files are missing, or not what they should be. */
export class SequenceFilesError extends Error {
  override readonly name = 'SequenceFilesError'
}

const folder = fileURLToPath(new URL('./sequences/', import.meta.url))

/** The names of the sequences that come along: those of the quick start (protocol section 7), and one for each other category. */
export const sequenceNames = (): string[] => readdirSync(folder).sort()

/**
 * Reads a sequence by its name.
 * @throws SequenceFilesError for an unknown name, listing the known ones
 */
export function loadSequence(name: string): SequenceFiles {
  const names = sequenceNames()
  if (!names.includes(name)) throw new SequenceFilesError(`there is no sequence ${name}; known are ${names.join(', ')}`)
  return loadSequenceFolder(join(folder, name))
}

/**
 * Reads shipyard.yaml, webhook.yaml and event.json of a folder.
 * @throws SequenceFilesError in one sentence that names the file
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
    throw new SequenceFilesError(`${join(path, file)} cannot be read`, { cause: error })
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
    const { type, data } = event
    if (['project', 'service'].every((field) => typeof data[field] === 'string')) return { type, data }
  }
  throw new SequenceFilesError('an event needs a type, and data with at least project and service')
}
