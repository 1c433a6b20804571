import * as z from 'zod/mini'
import type { IndicatorResult } from '../../shared/evaluation/evaluation.ts'
import { orElse } from '../../shared/fields.ts'

/** Any text; what is none counts as left out. */
const text = orElse(z.optional(z.string()), undefined)
const number = orElse(z.number(), 0)
const flag = orElse(z.boolean(), false)
const texts = orElse(z.array(z.string()), [])
const labels = orElse(z.optional(z.record(z.string(), z.unknown())), undefined)
/** Of none it may answer null. */
const events = <E extends z.ZodMiniType>(event: E) => z.object({ events: z.nullable(z.array(event)) })

const target = z.object({ criteria: orElse(z.string(), ''), targetValue: number, violated: flag })
/** Null where there are none. */
const targets = orElse(z.array(target), [])
const indicator = z.object({
  displayName: orElse(z.string(), ''),
  status: z.enum(['pass', 'warning', 'fail', 'info']),
  score: number,
  keySli: flag,
  value: z.object({ metric: z.string(), value: number, success: flag, message: text }),
  passTargets: targets,
  warningTargets: targets,
})
const evaluation = z.object({
  score: number,
  timeStart: text,
  timeEnd: text,
  indicatorResults: orElse(z.array(z.unknown()), []),
  comparedEvents: texts,
})

const finished = z.object({
  data: z.object({
    status: text,
    result: orElse(z.optional(z.enum(['pass', 'warning', 'fail'])), undefined),
    message: text,
    evaluation: orElse(z.optional(evaluation), undefined),
  }),
})
/** The end of a task, or of a sequence: of an evaluation or of something else. */
export type Finished = z.output<typeof finished>
export const finishedEvents = events(finished)

/** The first event of each sequence, by which it was begun. */
export const rootEvents = events(z.object({ data: z.object({ project: text, labels }) }))

export const startedEvents = events(z.object({ shkeptncontext: z.string() }))

/**
 * What Keptn's lighthouse-service has measured and judged.
 *
 * @see https://github.com/keptn/spec/blob/master/cloudevents.md (evaluation.finished)
 */
export function indicatorsOf({ evaluation }: Finished['data']): IndicatorResult[] {
  return (evaluation?.indicatorResults ?? []).flatMap((given) => {
    const read = z.safeParse(indicator, given)
    if (!read.success) return []
    const { displayName, value, ...rest } = read.data
    const { message, ...measured } = value
    return {
      displayName: displayName || value.metric,
      ...rest,
      value: { ...measured, ...(message ? { message } : {}) },
    }
  })
}
