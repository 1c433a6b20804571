import { type FakeReply, json } from '../sandbox/http.ts'
import type { Slo } from './slos.ts'

type Status = 'SUCCESS' | 'WARNING' | 'FAILURE'

/** Returns the status of an objective. Without data, it is missed. */
export function statusOf({ value, target, warning }: Slo): Status {
  if (value === null || value < target) return 'FAILURE'
  return value < warning ? 'WARNING' : 'SUCCESS'
}

/**
 * An SLO of Dynatrace's API, version 2. Which word its `error` has for missing data the vendor does not say.
 *
 * @param evaluate false for a request without evaluation, which returns -1 as the value
 */
export function sloResponse(slo: Slo, evaluate: boolean) {
  const { id, name, description, target, warning, value, shown } = slo
  const metric = name.replace(/\W/g, '_')
  const measured = evaluate && value !== null
  const errorBudget = measured ? rounded(value - target) : -1
  return {
    id,
    enabled: true,
    name,
    description,
    evaluatedPercentage: measured ? value : -1,
    errorBudget,
    status: evaluate ? statusOf(slo) : 'SUCCESS',
    error: evaluate && value === null ? 'NO_DATA' : 'NONE',
    useRateMetric: true,
    metricExpression:
      '(100)*(builtin:service.errors.server.successCount:splitBy())/(builtin:service.requestCount.server:splitBy())',
    metricKey: `func:slo.${metric}`,
    burnRateMetricKey: `func:slo.errorBudgetBurnRate.${metric}`,
    errorBudgetMetricKey: `func:slo.errorBudget.${metric}`,
    normalizedErrorBudgetMetricKey: `func:slo.normalizedErrorBudget.${metric}`,
    evaluationType: 'AGGREGATE',
    target,
    warning,
    timeframe: '-1w',
    filter: `type("SERVICE"),entityName.equals("${name}")`,
    relatedOpenProblems: 0,
    relatedTotalProblems: 0,
    errorBudgetBurnRate: burnRateResponse(slo, measured),
    ...shown,
  }
}

/** How fast the budget is used up: 1 where just all of it is. */
function burnRateResponse({ target, value }: Slo, measured: boolean) {
  if (!measured || value === null || target >= 100) return { burnRateVisualizationEnabled: false }
  const burnRateValue = rounded((100 - value) / (100 - target))
  const burnRateType = burnRateValue === 0 ? 'NONE' : burnRateValue > 10 ? 'FAST' : 'SLOW'
  return { burnRateVisualizationEnabled: true, burnRateType, burnRateValue, fastBurnThreshold: 10, sloValue: value }
}

/** Decimal fractions do not add up in binary ones. */
function rounded(value: number): number {
  return Number(value.toFixed(6))
}

/** A reason why a request is invalid. */
export interface Violation {
  path: string
  message: string
  parameterLocation: 'PATH' | 'PAYLOAD_BODY' | 'QUERY'
}

/** An error in the envelope that Dynatrace gives its errors. */
export function errorResponse(code: number, message: string, constraintViolations?: Violation[]): FakeReply {
  const note = [message, ...(constraintViolations ?? []).map((one) => `${one.path}: ${one.message}`)].join(' ')
  return json(code, { error: { code, message, ...(constraintViolations ? { constraintViolations } : {}) } }, {}, note)
}

export function violated(
  path: string,
  message: string,
  parameterLocation: Violation['parameterLocation'] = 'QUERY',
): FakeReply {
  return errorResponse(400, 'Constraints violated.', [{ path, message, parameterLocation }])
}
