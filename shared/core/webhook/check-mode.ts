import { Failure } from '../../errors.ts'
import { actionsOf, type Category } from '../../providers/category.ts'
import type { Connection } from '../../providers/connections.ts'
import type { ResolvedCall } from './resolve.ts'

/**
 * Checks that the call's action may run on its connection in its mode.
 *
 * @throws Failure `invalid`
 */
export function checkMode(category: Category, call: ResolvedCall): ResolvedCall {
  const { action, actionName, requestedAction, connection, options } = call
  const { name, provider } = connection
  if (provider.kind !== action.kind) {
    const supported = actionsOf(category, provider)
    throw new Failure(
      'invalid',
      `The connection ${name} uses ${provider.title}, which supports ${supported.join(', ')}, but not ${actionName}. Select another connection with ?connection=<name>`,
    )
  }
  const isDelegated = action.type === 'job' && action.startsJob && !options.dryRun && sendsFinished(connection)
  if (options.mode !== 'silent' && isDelegated && !call.acceptsPlatformAnswers)
    throw new Failure(
      'invalid',
      `The connection ${name} uses ${provider.title}, which sends the result of its jobs itself, but not to the orchestrator of the caller ${call.caller.name}. Select another connection with ?connection=<name>`,
    )
  // A dry run starts nothing, and may always be silent.
  if (options.mode !== 'silent' || options.dryRun) return call
  if (action.type === 'approval') throw needsInteractive(`${requestedAction} waits for a decision`)
  if (action.type === 'job' && action.startsJob && sendsFinished(connection))
    throw needsInteractive(
      `The connection ${name} uses ${provider.title}, which sends the finished event itself, and webhook-service would send another one`,
    )
  return call
}

/** Whether the platform itself sends the finished event of the jobs that it starts. */
export function sendsFinished({ provider, values }: Connection): boolean {
  return provider.sendsFinished?.(values) ?? false
}

function needsInteractive(reason: string): Failure {
  return new Failure('invalid', `${reason}. Call it with ?mode=interactive`, {
    errors: [{ path: 'mode', message: 'must be interactive' }],
  })
}
