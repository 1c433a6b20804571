import type { LambdaClient } from '@aws-sdk/client-lambda'
import { Failure } from '../../../../shared/errors.ts'
import { explainAws } from '../../../aws/aws-errors.ts'
import { credentialVariables } from '../../operator/act-as-webhook.ts'
import { operatorOf } from '../../operator/identity.ts'
import { operate } from '../../operator/operate.ts'
import type { StoredCall } from '../call-store.ts'
import type { CallAction } from '../routes.ts'

/**
 * Cancels the task of a call, runs it again, or sends its answer again, with the credentials of a client.
 *
 * @returns the response for the page, with the id of the call that runs it again
 * @throws Failure `invalid` with the reason; Error if the identity of the operator cannot be read
 */
export async function actOnTask(
  lambda: LambdaClient,
  stack: string,
  { record, summary }: StoredCall,
  operation: CallAction,
): Promise<{ status: number; body: string; id?: string | undefined }> {
  if (record.arn === undefined) throw new Failure('invalid', 'Only interactive calls have a task.')
  if (operation === 'try') throw new Failure('invalid', 'Lambda decides when the next attempt starts.')
  // For each action, because the user may have logged in with another identity.
  const operator = await operatorOf(lambda).catch((error: unknown) => {
    throw explainAws(error, 'Reading your AWS identity')
  })
  // A profile would take precedence over these credentials.
  const { AWS_PROFILE: _, AWS_SESSION_TOKEN: _1, ...environment } = process.env
  const done = await operate(
    { stack, category: summary.category, taskId: record.id, operator, operation },
    { ...environment, ...(await credentialVariables(lambda)) },
  )
  const { state, taskId } = done as { state?: string; taskId?: string }
  if (operation === 'cancel' && state !== 'running') throw new Failure('invalid', 'This call has ended.')
  return { status: 202, body: '', ...(operation === 'rerun' && { id: taskId }) }
}
