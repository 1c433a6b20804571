import { asText, parseObject } from './json-text.ts'

/** The decision of the rules for a call. Texts are empty if they are unknown. */
export interface LoggedDecision {
  /** Milliseconds since 1970. */
  at: number
  /** The id of the call. Empty on a stack, whose log lines do not name it. */
  call: string
  category: string
  action: string
  connection: string
  caller: string
  /** The rules that the call matches. */
  rules: string[]
  /** A `PolicyEffect`, unless another version has written the line. */
  effect: string
  /** The rule that refuses the call. Empty if the entry of the caller does. */
  rule: string
  /** false: it was only logged. */
  enforced: boolean
}

/** The message of the log line, which `restrict.ts` writes. */
export const DECISION_MESSAGE = 'policy evaluated'

const MAX_DECISIONS = 1_000

/** The latest decisions of the policy, in memory. */
export class PolicyDecisions {
  /** The time of the first line that could be seen. */
  readonly since: number
  readonly #all = new Map<string, LoggedDecision>()

  constructor(since: number) {
    this.since = since
  }

  /**
   * Adds the decision of a log line. Other lines are ignored, and so is a repeat.
   *
   * @param key identifies the line
   */
  addLine(key: string, line: string, at: number, call = ''): void {
    // Most lines are others.
    if (!line.includes(DECISION_MESSAGE)) return
    const decision = decisionOf(line, at, call)
    if (!decision) return
    this.#all.set(key, decision)
    const [oldest] = this.#all.keys()
    if (this.#all.size > MAX_DECISIONS && oldest !== undefined) this.#all.delete(oldest)
  }

  /** Names the task that a request has started, whose id is that of the call. */
  assign(requestId: string, taskId: string): void {
    for (const decision of this.#all.values()) if (decision.call === requestId) decision.call = taskId
  }

  /** Returns the decisions, newest first. */
  list(): LoggedDecision[] {
    return [...this.#all.values()].sort((one, other) => other.at - one.at)
  }
}

function decisionOf(line: string, at: number, call: string): LoggedDecision | undefined {
  const { message, rules, enforced, ...fields } = parseObject(line) ?? {}
  if (message !== DECISION_MESSAGE || !Array.isArray(rules)) return undefined
  const { category, action, connection, caller, effect, rule } = fields
  return {
    at,
    call,
    category: asText(category),
    action: asText(action),
    connection: asText(connection),
    caller: asText(caller),
    rules: rules.map(String),
    effect: asText(effect),
    rule: asText(rule),
    enforced: enforced === true,
  }
}
