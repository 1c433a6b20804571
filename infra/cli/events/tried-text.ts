import { formatDuration } from '../../../shared/duration.ts'
import type { AlertRule } from '../../../shared/sources/rules.ts'
import type { TriedCall, TriedNotification, TriedRule } from '../../local/try-rules.ts'

/** Describes the effects of rules on a notification. */
export function describeTried(
  { source, type, event, results }: TriedNotification,
  rules: readonly AlertRule[],
): string {
  const alerts = new Set(results.map(({ alert }) => alert)).size
  const calls = results.filter(({ call }) => call !== undefined).length
  const problems = results.filter(({ isProblem }) => isProblem).length
  const counts = [`${alerts} alerts`, `${calls} calls`, ...(problems > 0 ? [`${problems} problems`] : [])]
  const none = results.length > 0 ? [] : ['It has no alerts, or only tests the way to us: no rule is evaluated.']
  return [
    `${event} of ${source} (${type}): ${counts.map(oneOf).join(', ')}`,
    ...none,
    ...results.map((result) => describeResult(result, rules)),
  ].join('\n\n')
}

function oneOf(count: string): string {
  return count.startsWith('1 ') ? count.slice(0, -1) : count
}

function describeResult(
  { rule, alert, state, key, call, reason, isProblem }: TriedRule,
  rules: readonly AlertRule[],
): string {
  const about = [`alert ${alert + 1}`, state, key === undefined ? undefined : `key ${key}`].filter(Boolean).join(', ')
  return [
    `${rule}: ${about}`,
    ...(call === undefined ? [] : describeCall(call, rules.find(({ name }) => name === rule)?.group)),
    ...(reason === undefined ? [] : [isProblem ? `  problem: ${reason}` : `  no call: ${reason}`]),
  ].join('\n')
}

function describeCall({ action, connection, input, closes, group }: TriedCall, limit: AlertRule['group']): string[] {
  return [
    `  calls ${action} with the connection ${connection}`,
    `  input ${JSON.stringify(input)}`,
    ...(closes === undefined ? [] : [`  closes what ${closes} has opened: its id is added to the input`]),
    ...(group === undefined || limit === undefined
      ? []
      : [
          `  group ${group}: ${oneOf(`${limit.max} calls`)} in ${formatDuration(limit.per)}, and one for all others after it`,
        ]),
  ]
}
