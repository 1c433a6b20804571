import * as z from 'zod/mini'

/** Most responses have an object for each field, others a text. */
const field = z.union([
  z.string(),
  z.pipe(
    z.object({ value: z.string() }),
    z.transform(({ value }) => value),
  ),
])
const changeFields = z.object({
  sys_id: field,
  number: field,
  state: field,
  approval: field,
  __meta: z.optional(z.object({ ignoredFields: z.optional(z.array(z.string())) })),
})
export const change = z.object({
  result: z.pipe(
    z.union([changeFields, z.tuple([changeFields])]),
    z.transform((result) => (Array.isArray(result) ? result[0] : result)),
  ),
})
export type Change = z.output<typeof change>['result']
export const changes = z.object({ result: z.array(changeFields) })
export const approvers = z.object({
  result: z.array(
    z.object({
      'approver.name': z.optional(z.string()),
      comments: z.optional(z.string()),
      sys_updated_on: z.optional(z.string()),
    }),
  ),
})
export const conflicts = z.object({
  result: z.object({ conflicts: z.optional(z.array(z.object({ type: z.optional(field) }))) }),
})
export const tasks = z.object({ result: z.array(z.object({ sys_id: field, state: field })) })
export const nextStates = z.object({
  result: z.object({
    state_label: z.optional(z.record(z.string(), z.string())),
    state_transitions: z.optional(
      z.array(
        z.array(
          z.object({
            to_state: z.optional(z.string()),
            conditions: z.optional(
              z.array(z.object({ passed: z.boolean(), condition: z.object({ name: z.string() }) })),
            ),
          }),
        ),
      ),
    ),
  }),
})
export const conflictCheck = z.object({ result: z.string() })
