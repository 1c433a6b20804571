import { AwsService } from './service.ts'

const service = new AwsService({ host: 'secretsmanager', variable: 'SECRETS_MANAGER' })

interface Outputs {
  GetSecretValue: { SecretString?: string }
  ListSecrets: { SecretList?: { Name?: string; Description?: string }[]; NextToken?: string }
}

/**
 * Calls Secrets Manager.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/Welcome.html
 * @throws ServiceError, or the error of the network
 */
export async function secretsManager<Operation extends keyof Outputs>(
  operation: Operation,
  input: object,
): Promise<Outputs[Operation]> {
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `secretsmanager.${operation}` }
  return (await service.send({ method: 'POST', path: '/', headers, body: JSON.stringify(input) })).body
}
