import { registerSecret } from '../redact.ts'
import { fromNodeProviderChain } from './credentials.ts'
import { domainOf } from './endpoint.ts'
import { presign } from './signature.ts'

const EXPIRES_SECONDS = 60

/**
 * Returns a token for the API server of an Amazon EKS cluster: a signed request to AWS STS, which the cluster sends to learn
 * who signed it.
 *
 * @see https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster
 */
export async function eksToken(cluster: string, region = process.env['AWS_REGION'] ?? 'us-east-1'): Promise<string> {
  const url = new URL(`https://sts.${region}.${domainOf(region)}/?Action=GetCallerIdentity&Version=2011-06-15`)
  const credentials = await fromNodeProviderChain()()
  const headers = { 'x-k8s-aws-id': cluster }
  const signed = presign(
    { method: 'GET', url, headers, expires: EXPIRES_SECONDS },
    { ...credentials, service: 'sts', region },
    new Date(),
  )
  const token = `k8s-aws-v1.${Buffer.from(signed).toString('base64url')}`
  registerSecret(token)
  return token
}
