import * as z from 'zod/mini'
import type { IndicatorResult } from '../../../shared/evaluation/evaluation.ts'
import { orElse } from '../../../shared/fields.ts'

// Services of Keptn send values of other types; these are read as missing.
const text = orElse(z.optional(z.string()), undefined)
const number = orElse(z.number(), 0)
const flag = orElse(z.boolean(), false)
const texts = orElse(z.array(z.string()), [])
const labels = orElse(z.optional(z.record(z.string(), z.unknown())), undefined)
/** Keptn returns null instead of an empty list. */
const events = <E extends z.ZodMiniType>(event: E) => z.object({ events: z.nullable(z.array(event)) })

const target = z.object({ criteria: orElse(z.string(), ''), targetValue: number, violated: flag })
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
/** The `finished` event of a task or a sequence. */
export type Finished = z.output<typeof finished>
export const finishedEvents = events(finished)

/** The event that started a sequence. */
export const rootEvents = events(z.object({ data: z.object({ project: text, labels }) }))

/** The event that triggered an evaluation. */
export const triggeredEvents = events(z.object({ shkeptncontext: z.string() }))

/**
 * Returns the objectives that Keptn's lighthouse-service evaluated.
 *
 * @see https://github.com/keptn/spec/blob/master/cloudevents.md (evaluation.finished)
 */
export function indicatorsOf({ evaluation }: Finished['data']): IndicatorResult[] {
  return (evaluation?.indicatorResults ?? []).flatMap((result) => {
    const parsed = z.safeParse(indicator, result)
    if (!parsed.success) return []
    const { displayName, value, ...rest } = parsed.data
    const { message, ...measured } = value
    return {
      displayName: displayName || value.metric,
      ...rest,
      value: { ...measured, ...(message ? { message } : {}) },
    }
  })
}
