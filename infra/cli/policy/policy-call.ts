import type { PolicyCall, PolicyCaller } from '../../../shared/policy/call.ts'
import { effectOf, isFree, isStop } from '../../../shared/providers/action.ts'
import { actionNamesOf } from '../../../shared/providers/category.ts'
import { findAction, findProvider } from '../../project/find-by-name.ts'
import { UsageError } from '../../project/usage-error.ts'

/** A call that is only tested: nothing is sent. */
export interface TestedCall {
  connection?: string | undefined
  /** The provider of its connection. Without it, the action has its usual effect. */
  provider?: string | undefined
  caller?: string | undefined
  agent?: boolean | undefined
  writes?: PolicyCaller['writes'] | undefined
  owners?: string[] | undefined
  project?: string | undefined
  stage?: string | undefined
  service?: string | undefined
  input?: unknown
}

/**
 * Returns a call as rules see it.
 *
 * @param target `<category>/<action>`
 * @throws UsageError
 */
export async function policyCallOf(target: string, tested: TestedCall): Promise<PolicyCall> {
  const { category, name, action } = findAction(target)
  if (!action) throw new UsageError(`${target} selects the action by the event. Test the action that it selects.`)
  const { connection = 'default', provider, caller = '', agent = false, writes, owners = [] } = tested
  const { project, stage, service, input } = tested
  return {
    category: category.name,
    action: name,
    actionNames: actionNamesOf(category, name),
    isFree: isFree(action),
    isStop: isStop(action),
    effect: provider === undefined ? action.effect : effectOf(action, await findProvider(category, provider)),
    connection,
    caller: { name: caller, isAgent: agent, writes: writes ?? (agent ? 'approve' : 'allow'), owners },
    project,
    stage,
    service,
    input,
  }
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)$/

/** Parses a time with its offset from UTC. Returns undefined for another text. */
export function parseZonedTime(text: string): number | undefined {
  const at = TIME.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? undefined : at
}
