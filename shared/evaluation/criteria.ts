/** A condition on a measured value: fixed, or relative to the value of previous evaluations. */
export interface Criterion {
  /** The text in the SLO file: `<=+10%`. */
  text: string
  operator: '<' | '<=' | '=' | '>=' | '>'
  /** The limit, or its distance from the previous value. */
  value: number
  relative?: 'percent' | 'absolute'
}

const CRITERION = /^(<=|>=|<|>|=)\s*(?:([+-])\s*)?(\d+(?:\.\d*)?|\.\d+)\s*(%?)$/

/**
 * Parses a criterion of an SLO file. `<600` is fixed. `<=+10%`, `<=10%` and `>=-5` are relative: they have a sign or a
 * percent sign.
 *
 * @returns undefined if the text is not a criterion
 * @see https://github.com/keptn/keptn/blob/master/lighthouse-service/event_handler/evaluate_sli_handler.go (parseCriteriaString)
 */
export function parseCriterion(text: string): Criterion | undefined {
  const [, operator, sign, digits, percent] = CRITERION.exec(text.trim()) ?? []
  if (operator === undefined) return undefined
  const value = Number(digits) * (sign === '-' ? -1 : 1)
  const relative = percent ? 'percent' : sign ? 'absolute' : undefined
  return { text, operator: operator as Criterion['operator'], value, ...(relative ? { relative } : {}) }
}

/** Returns the criterion for a platform's target value. */
export function atLeast(value: number): Criterion {
  return { text: `>=${value}`, operator: '>=', value }
}

/**
 * Returns the limit of a criterion.
 *
 * @param previous the value of previous evaluations
 * @returns undefined for a relative criterion without a previous value, which always passes
 */
export function limitOf({ value, relative }: Criterion, previous: number | undefined): number | undefined {
  if (relative === undefined) return value
  if (previous === undefined) return undefined
  return relative === 'percent' ? (previous * (100 + value)) / 100 : previous + value
}

/** Returns whether a measured value is within a limit. */
export function meetsLimit(measured: number, operator: Criterion['operator'], limit: number): boolean {
  switch (operator) {
    case '<':
      return measured < limit
    case '<=':
      return measured <= limit
    case '=':
      return measured === limit
    case '>=':
      return measured >= limit
    case '>':
      return measured > limit
  }
}
