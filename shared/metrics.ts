import { settings } from './settings.ts'
import { sourceOfCaller } from './source-name.ts'

interface Metric {
  /** Names of fields of the line, whose values are the dimensions. */
  dimensions: string[]
  /** Whether a log line counts. */
  counts(line: Record<string, unknown>): boolean
  /** Emitted also without usage metrics, because an alarm needs it. */
  hasAlarm?: true
}

/** The kinds of failures that come from a platform. */
const PLATFORM_FAILURES = ['refused', 'credentials', 'unconfirmed', 'platform', 'timeout']

/** The metrics of this deployment. Each one counts log lines. docs/operate.md documents them. */
export const metrics = {
  Calls: { dimensions: ['outcome'], counts: ({ audit }) => audit === 'call' },
  Tasks: { dimensions: ['outcome'], counts: ({ audit }) => audit === 'task' },
  Failures: {
    dimensions: ['provider', 'kind'],
    counts: ({ audit, provider, kind }) =>
      audit === undefined && typeof provider === 'string' && PLATFORM_FAILURES.includes(String(kind)),
  },
  Notifications: {
    dimensions: ['source', 'effect'],
    counts: ({ message, source }) => message === 'notification' && source !== undefined,
  },
  UnmatchedNotifications: {
    dimensions: ['source'],
    counts: ({ message, unmatched }) => message === 'notification' && unmatched === true,
  },
  RuleProblems: {
    dimensions: [],
    counts: ({ message, ruleProblems }) => message === 'notification' && typeof ruleProblems === 'number',
    hasAlarm: true,
  },
  // No caller reads the status of these tasks.
  AlertTasksErrored: {
    dimensions: [],
    counts: ({ audit, caller, outcome }) =>
      audit === 'task' && outcome === 'errored' && sourceOfCaller(String(caller)) !== undefined,
    hasAlarm: true,
  },
  MissedEnds: { dimensions: ['source'], counts: ({ missedEnd }) => missedEnd === true },
  SecretsInInput: { dimensions: [], counts: ({ secretInInput }) => secretInInput === true, hasAlarm: true },
  TurnsExpired: { dimensions: [], counts: ({ turnExpired }) => turnExpired === true, hasAlarm: true },
  StopsInForce: { dimensions: [], counts: ({ stopsInForce }) => Number(stopsInForce) > 0, hasAlarm: true },
  ApprovalsWaiting: { dimensions: [], counts: ({ approvalWaits }) => approvalWaits === true, hasAlarm: true },
  AnswersLost: { dimensions: [], counts: ({ answerLost }) => answerLost === true, hasAlarm: true },
} satisfies Record<string, Metric>

const all: [string, Metric][] = Object.entries(metrics)

/** Returns whether an alarm counts a log line. */
export function isCountedByAlarm(line: Record<string, unknown>): boolean {
  return all.some(([, { counts, hasAlarm }]) => hasAlarm && counts(line))
}

/**
 * Adds the metrics that a log line counts to the line, in CloudWatch's embedded metric format: CloudWatch reads them from the
 * log, so that they need no request. Adds nothing unless the stack has set a namespace.
 *
 * Not a library: Powertools' metrics write lines of their own, and take 5 ms of processor time to load.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function withMetrics(line: Record<string, unknown>): Record<string, unknown> {
  const namespace = settings.metricsNamespace
  const hasUsageMetrics = settings.hasUsageMetrics
  if (namespace === undefined) return line
  const found = all.filter(([, { counts, hasAlarm }]) => (hasAlarm || hasUsageMetrics) && counts(line))
  if (found.length === 0) return line
  return {
    ...line,
    ...Object.fromEntries(found.map(([name]) => [name, 1])),
    _aws: {
      Timestamp: Date.now(),
      CloudWatchMetrics: found.map(([name, { dimensions }]) => ({
        Namespace: namespace,
        Dimensions: [dimensions],
        Metrics: [{ Name: name, Unit: 'Count' }],
      })),
    },
  }
}
