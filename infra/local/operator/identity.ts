import type { LambdaClient } from '@aws-sdk/client-lambda'
import { endpointOf } from '../../../shared/aws/endpoint.ts'
import { sign } from '../../../shared/aws/signature.ts'

const TIMEOUT_MS = 10_000

/**
 * Returns the ARN of the user or of the session of a role that the credentials of a client belong to. Needs no permission.
 *
 * Not with the SDK: one operation does not need another client.
 *
 * @throws Error with the name of the error of AWS, or the error of the network
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 */
export async function operatorOf({ config }: Pick<LambdaClient, 'config'>): Promise<string> {
  const [credentials, region] = await Promise.all([config.credentials(), config.region()])
  const url = new URL(endpointOf({ host: 'sts', variable: 'STS' }, { ...process.env, AWS_REGION: region }))
  const body = 'Action=GetCallerIdentity&Version=2011-06-15'
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const signed = sign({ method: 'POST', url, headers, body }, { ...credentials, service: 'sts', region }, new Date())
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const response = await fetch(url, { method: 'POST', headers: signed, body, signal })
  const text = await response.text()
  const arn = textOf(text, 'Arn')
  if (response.ok && arn !== undefined) return arn
  const message = textOf(text, 'Message') ?? `AWS STS responded with ${response.status}`
  throw Object.assign(new Error(message), { name: textOf(text, 'Code') ?? 'UnknownError' })
}

/** Returns the name of an operator in messages: `operator jane`. An ARN ends with the name of a user or of a session. */
export function nameOf(operator: string | undefined): string {
  return operator === undefined ? 'an operator' : `operator ${operator.split(/[/:]/).at(-1)}`
}

function textOf(xml: string, element: string): string | undefined {
  return new RegExp(`<${element}>([^<]+)</${element}>`).exec(xml)?.[1]
}
