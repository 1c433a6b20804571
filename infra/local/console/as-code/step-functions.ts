import { maxDeadlineOf } from '../../../../shared/core/max-deadlines.ts'
import { parseDuration } from '../../../../shared/duration.ts'
import { Failure } from '../../../../shared/errors.ts'
import { type CodeText, type DraftCall, withoutEvent } from './draft-call.ts'

/** The task ends first, so that the state gets its result. */
const MARGIN_SECONDS = 3_600

/**
 * Returns a state machine with one state, which makes the call. If the call is interactive, the state waits for its result.
 *
 * @throws Failure `invalid` if a state cannot make the call
 */
export function stateMachine({ action, options, body }: DraftCall): CodeText {
  const { category, name } = action
  // The execution or its token identifies the call.
  const { mode = 'silent', deadline, key: _, sendStarted: __, ...others } = options
  if (action.action?.type === 'approval')
    throw new Failure('invalid', `${name} asks people, whose page needs the URL of the API. Call it over HTTP.`)
  if (mode !== 'silent' && mode !== 'interactive')
    throw new Failure('invalid', 'A state waits for its task token, not for a gate. Select the mode interactive.')
  const waits = mode === 'interactive'
  const seconds =
    deadline === undefined
      ? (category.actions[name]?.deadline ?? maxDeadlineOf(category))
      : parseDuration(deadline, 'deadline')
  const state = {
    Type: 'Task',
    Resource: `arn:aws:states:::lambda:invoke${waits ? '.waitForTaskToken' : ''}`,
    ...(waits ? { TimeoutSeconds: seconds + MARGIN_SECONDS } : {}),
    Parameters: {
      FunctionName: `<name of the webhook function of ${category.name}>:live`,
      Payload: {
        action: name,
        caller: 'releases',
        ...(waits
          ? { 'taskToken.$': '$$.Task.Token', 'execution.$': '$$.Execution.Id' }
          : { 'id.$': '$$.Execution.Id' }),
        ...(deadline === undefined ? {} : { deadline }),
        ...others,
        ...withoutPaths(withoutEvent(body)),
      },
    },
    Retry: [{ ErrorEquals: ['Webhooks.Unavailable', 'Lambda.TooManyRequestsException'], MaxAttempts: 4 }],
    End: true,
  }
  return { text: JSON.stringify({ StartAt: name, States: { [name]: state } }, null, 2) }
}

/** @throws Failure `invalid` if Step Functions would replace a value, because the name of its field ends in `.$` */
function withoutPaths(fields: Record<string, unknown>): Record<string, unknown> {
  JSON.stringify(fields, (name, value) => {
    if (!name.endsWith('.$')) return value
    throw new Failure('invalid', `Step Functions takes the value of ${name} for a path. Rename the field.`)
  })
  return fields
}
