import { sourceOfCaller } from '../../source-name.ts'

/** Names the rule, or the entry of the caller, that restricts a call: the start of a sentence. */
export function causeOf(rule: string | undefined, caller: string): string {
  return rule === undefined ? entryOf(caller) : `The rule "${rule}" of the policy`
}

/** Names the entry of a caller. That of an alert is the secret of its source. */
function entryOf(caller: string): string {
  const source = sourceOfCaller(caller)
  return source === undefined ? `The entry of ${caller} in the secret callers` : `The secret of the source ${source}`
}
