import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { nest } from '../../shared/core/http/dotted-keys.ts'
import { UsageError } from './receiver.ts'

export interface TestEventOptions {
  input?: string[]
  event?: string
}

/** The options of a command that makes the event of a call. */
export function testEventOptions(command: Command): Command {
  return command
    .option(
      '--input <name=value>',
      'a field of the input; name.part=value for one inside; may be given several times',
      collect,
    )
    .option('--event <file>', 'a JSON file with the event, instead of one made up')
}

/**
 * The event of a call, with its input.
 *
 * @param made of an event that is made up: its id, and the task
 * @throws UsageError
 */
export function testEvent(
  { input = [], event }: TestEventOptions,
  { id, task }: { id: string | undefined; task: string },
): Record<string, unknown> {
  const made = event === undefined ? madeUp(task, id) : readEvent(event)
  return input.length === 0 ? made : { ...made, input: nest(input.map(parseField)) }
}

function madeUp(task: string, id: string | undefined): Record<string, unknown> {
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
    throw new UsageError(`The event file ${file} can not be used: ${(error as Error).message}.`)
  }
}

function parseField(field: string): [string, string] {
  const at = field.indexOf('=')
  if (at < 1) throw new UsageError(`"${field}" is no field: write name=value.`)
  return [field.slice(0, at), field.slice(at + 1)]
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value]
}
