import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { nest } from '../../../shared/dotted-keys.ts'
import { UsageError } from '../../project/usage-error.ts'

export interface TestEventOptions {
  input?: string[]
  event?: string
}

/** Adds the options of a command that creates an event. */
export function testEventOptions(command: Command): Command {
  return command
    .option('--input <name=value>', 'input field; use name.part=value for a nested field; can be repeated', collect)
    .option('--event <file>', 'JSON file with the event to send instead of a sample event')
}

/**
 * Reads the event file or creates a sample event, and adds the input.
 *
 * @throws UsageError if the file or a field is not valid
 */
export function createTestEvent(
  { input, event }: TestEventOptions,
  { id, task }: { id: string | undefined; task: string },
): Record<string, unknown> {
  const call = createCall({ input, event })
  return event === undefined ? { ...sampleEvent(task, id), ...call } : call
}

/**
 * Reads the event file, if there is one, and adds the input.
 *
 * @throws UsageError if the file or a field is not valid
 */
export function createCall({ input = [], event }: TestEventOptions): Record<string, unknown> {
  const base = event === undefined ? {} : readEvent(event)
  return input.length === 0 ? base : { ...base, input: nest(input.map(parseField)) }
}

function sampleEvent(task: string, id: string | undefined): Record<string, unknown> {
  return {
    ...(id ? { id } : {}),
    type: `sh.keptn.event.${task}.triggered`,
    shkeptncontext: randomUUID(),
    data: { project: 'demo', stage: 'production', service: 'shop' },
  }
}

function readEvent(file: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  } catch (error) {
    throw new UsageError(`Cannot read the event file ${file}: ${(error as Error).message}.`)
  }
}

function parseField(field: string): [string, string] {
  const index = field.indexOf('=')
  if (index < 1) throw new UsageError(`Invalid input "${field}". Write it as name=value.`)
  return [field.slice(0, index), field.slice(index + 1)]
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value]
}
