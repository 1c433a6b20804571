import { parse } from 'yaml'
import { z } from 'zod'
import { endsSequence, type Outcome } from './counting.ts'
import type { JsonObject } from './events.ts'

/** A sequence of a stage in a shipyard file. */
export interface Sequence {
  stage: string
  name: string
  /** Keptn adds `data.<task>` for empty properties, but not for absent ones. */
  tasks: { name: string; properties?: JsonObject }[]
  triggeredOn: { event: string; match: Record<string, string> }[]
}

/** Keptn would reject the shipyard file. */
export class ShipyardError extends Error {
  override readonly name = 'ShipyardError'
}

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]*$/)
const shipyardFile = z.object({
  apiVersion: z.string().regex(/^spec\.keptn\.sh\/0\.2\.\d+$/),
  kind: z.literal('Shipyard'),
  spec: z.object({
    stages: z
      .array(
        z.object({
          name,
          sequences: z.array(
            z.object({
              name,
              triggeredOn: z
                .array(
                  z.object({
                    event: z.string(),
                    selector: z.object({ match: z.record(z.string(), z.string()).default({}) }).default({ match: {} }),
                  }),
                )
                .default([]),
              tasks: z.array(z.object({ name, properties: z.record(z.string(), z.json()).nullish() })).min(1),
            }),
          ),
        }),
      )
      .min(1),
  }),
})

/**
 * Parses a shipyard file (spec.keptn.sh/0.2.x).
 *
 * @throws ShipyardError that names the invalid path
 */
export function parseShipyard(text: string): Sequence[] {
  const read = shipyardFile.safeParse(readYaml(text))
  if (!read.success) {
    const issue = read.error.issues[0]
    throw new ShipyardError(`the shipyard is not valid at ${issue?.path.join('.') || 'its top'}: ${issue?.message}`)
  }
  return read.data.spec.stages.flatMap((stage) =>
    stage.sequences.map((sequence) => ({
      stage: stage.name,
      name: sequence.name,
      tasks: sequence.tasks.map(({ name, properties }) => (properties ? { name, properties } : { name })),
      triggeredOn: sequence.triggeredOn.map(({ event, selector }) => ({ event, match: selector.match })),
    })),
  )
}

function readYaml(text: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0]?.replace(/:$/, '') : String(error)
    throw new ShipyardError(`the shipyard is not YAML: ${reason}`)
  }
}

/** Returns the type of the events of a sequence. */
export const sequenceEvent = ({ stage, name }: Sequence, kind: 'triggered' | 'finished'): string =>
  `sh.keptn.event.${stage}.${name}.${kind}`

/** Returns the sequence that an event type triggers. */
export const triggeredBy = (sequences: readonly Sequence[], type: string): Sequence | undefined =>
  sequences.find((sequence) => sequenceEvent(sequence, 'triggered') === type)

/**
 * Returns the sequences that the end of another sequence triggers. Without a selector its result must be pass or warning; a
 * selector names the result of the sequence, or of its last task as `<task>.result`.
 */
export function followers(sequences: readonly Sequence[], ended: Sequence, outcome: Outcome): Sequence[] {
  const last = ended.tasks.at(-1)?.name ?? ''
  const matches = (match: Record<string, string>): boolean =>
    Object.keys(match).length === 0
      ? !endsSequence(outcome)
      : Object.entries(match).every(([key, wanted]) => {
          const field = key.startsWith(`${last}.`) ? key.slice(last.length + 1) : key
          return (field === 'result' || field === 'status') && outcome[field] === wanted
        })
  const type = sequenceEvent(ended, 'finished').slice('sh.keptn.event.'.length)
  return sequences.filter(({ triggeredOn }) => triggeredOn.some(({ event, match }) => event === type && matches(match)))
}
