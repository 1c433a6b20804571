/** A condition on a measured value: fixed, or relative to what earlier evaluations measured. */
export interface Criterion {
  /** As it is shown: `<=+10%`. */
  text: string
  operator: '<' | '<=' | '=' | '>=' | '>'
  /** The limit itself, or how far from the earlier value it is. */
  value: number
  relative?: 'percent' | 'absolute'
}

const written = /^(<=|>=|<|>|=)\s*(?:([+-])\s*)?(\d+(?:\.\d*)?|\.\d+)\s*(%?)$/

/**
 * Reads a criterion of an SLO file: `<600` is fixed; `<=+10%`, `<=10%` and `>=-5` are relative, since a sign or a percent
 * sign makes it so.
 *
 * @returns undefined where it is none
 * @see https://github.com/keptn/keptn/blob/master/lighthouse-service/event_handler/evaluate_sli_handler.go (parseCriteriaString)
 */
export function parseCriterion(text: string): Criterion | undefined {
  const [, operator, sign, digits, percent] = written.exec(text.trim()) ?? []
  if (operator === undefined) return undefined
  const value = Number(digits) * (sign === '-' ? -1 : 1)
  const relative = percent ? 'percent' : sign ? 'absolute' : undefined
  return { text, operator: operator as Criterion['operator'], value, ...(relative ? { relative } : {}) }
}

/** The criterion of a platform that says what has to be reached as a number. */
export function atLeast(value: number): Criterion {
  return { text: `>=${value}`, operator: '>=', value }
}

/**
 * What a criterion comes to.
 *
 * @param earlier what earlier evaluations measured; a relative criterion without that comes to nothing, and holds
 */
export function limitOf({ value, relative }: Criterion, earlier: number | undefined): number | undefined {
  if (relative === undefined) return value
  if (earlier === undefined) return undefined
  return relative === 'percent' ? (earlier * (100 + value)) / 100 : earlier + value
}

/** Whether a measured value is on the good side of a limit. */
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
