import * as z from 'zod/mini'
import { messageOf } from '../../../shared/errors.ts'
import type { Policy } from '../../../shared/policy/policy.ts'
import { validate } from '../../../shared/validate.ts'
import { readYamlFile } from '../../aws/read-yaml-file.ts'
import { UsageError } from '../../project/usage-error.ts'
import { outcomeOf, type PolicyOutcome } from './outcome.ts'
import { parseZonedTime, policyCallOf } from './policy-call.ts'

/** The results for a call. The compiler finds a missing one. */
const KNOWN: Record<PolicyOutcome['result'], true> = {
  starts: true,
  asks: true,
  waits: true,
  expires: true,
  denied: true,
  closed: true,
  incomplete: true,
  requester: true,
  unasked: true,
}
export const RESULTS = Object.keys(KNOWN) as PolicyOutcome['result'][]

const name = z.string().check(z.minLength(1), z.maxLength(255))
const time = z
  .string()
  .check(
    z.refine(
      (text) => parseZonedTime(text) !== undefined,
      'must be a time in quotes with its offset from UTC, such as "2026-12-24T02:30+01:00"',
    ),
  )

const caseSchema = z.strictObject({
  name,
  /** `<category>/<action>`. */
  call: name,
  expect: z.enum(RESULTS),
  /** The names of all rules that match. */
  rules: z.optional(z.array(name)),
  at: z.optional(time),
  connection: z.optional(name),
  provider: z.optional(name),
  caller: z.optional(name),
  agent: z.optional(z.boolean()),
  writes: z.optional(z.enum(['allow', 'approve', 'deny'])),
  owners: z.optional(z.array(name)),
  project: z.optional(name),
  stage: z.optional(name),
  service: z.optional(name),
  input: z.optional(z.record(z.string(), z.unknown())),
})
const fileSchema = z.strictObject({
  /** When the calls arrive. A test must not depend on the day on which it runs. */
  at: time,
  cases: z.array(caseSchema).check(z.minLength(1)),
})

/** The result of a case. */
export interface CheckedCase {
  name: string
  call: string
  passed: boolean
  /** The result, and the rules that match. */
  expected: string
  actual: string
}

/**
 * Evaluates a policy for the calls of a file, as if it were enforced.
 *
 * @throws UsageError with the errors of the file
 */
export async function checkCases(policy: Policy, path: string): Promise<CheckedCase[]> {
  const { at, cases } = readCases(path)
  const checked: CheckedCase[] = []
  for (const one of cases) {
    const call = await policyCallOf(one.call, one).catch((error: unknown) => {
      throw new UsageError(`${path}, case "${one.name}": ${messageOf(error)}`, { cause: error })
    })
    const { result, matched } = outcomeOf(policy, call, parseZonedTime(one.at ?? at) ?? 0)
    const rules = matched.map(({ rule }) => rule)
    const expected = describe(one.expect, one.rules)
    const actual = describe(result, one.rules && rules)
    checked.push({ name: one.name, call: one.call, passed: expected === actual, expected, actual })
  }
  return checked
}

function readCases(path: string): z.output<typeof fileSchema> {
  try {
    return readYamlFile(path, (loaded) => validate(fileSchema, loaded, { what: path }))
  } catch (error) {
    throw new UsageError(messageOf(error), { cause: error })
  }
}

/** `denied: production, agents`. */
function describe(result: string, rules: readonly string[] | undefined): string {
  return rules === undefined ? result : `${result}: ${rules.length === 0 ? 'no rule' : rules.toSorted().join(', ')}`
}
