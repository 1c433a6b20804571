import * as z from 'zod/mini'
import { Failure, refused } from '../errors.ts'
import { optional, secret, url, withDescription, word } from '../fields.ts'
import type { Http } from '../http/client.ts'
import type { Authorization } from '../http/options.ts'
import { segment } from '../http/segment.ts'

/** The fields of a connection to a cluster. `ca` is the certificate authority of the cluster, as in every connection. */
export const kubernetesConnection = {
  baseUrl: url('URL of the API server: https://10.0.0.1:6443'),
  token: optional(secret('Token of a service account. Not for Amazon EKS with cluster')),
  cluster: optional(word('Name of an Amazon EKS cluster, instead of a token: the function signs in with its AWS role')),
  region: optional(word('AWS region of the cluster. Defaults to the region of the function')),
  namespace: z._default(
    withDescription(
      z.string().check(z.regex(/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/)),
      'Namespace. Defaults to default',
    ),
    'default',
  ),
}

interface Credentials {
  token?: string | undefined
  cluster?: string | undefined
  region?: string | undefined
}

/**
 * Returns the authorization for a cluster: a token, or a token for Amazon EKS that is signed with the role of the function.
 *
 * @throws Failure `misconfigured`
 */
export function kubernetesAuthorization({ token, cluster, region }: Credentials): Authorization {
  if (token) return { headers: async () => ({ authorization: `Bearer ${token}` }) }
  if (cluster === undefined)
    throw new Failure(
      'misconfigured',
      'The connection to Kubernetes has no credentials. Add token, or cluster for Amazon EKS.',
    )
  return {
    async headers() {
      const { eksToken } = await import('../aws/eks-token.ts')
      return { authorization: `Bearer ${await eksToken(cluster, region)}` }
    },
  }
}

export interface Permission {
  verb: string
  group: string
  resource: string
  subresource?: string
}

const review = z.object({ status: z.object({ allowed: z.boolean() }) })

/**
 * Checks that the service account has permissions in a namespace. Any service account may ask that about itself.
 *
 * @throws Failure `refused` that lists the missing permissions
 */
export async function checkPermissions(http: Http, namespace: string, permissions: Permission[]): Promise<void> {
  const missing: string[] = []
  for (const permission of permissions) {
    const body = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { namespace, ...permission } },
    }
    const path = 'apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
    const { status } = (await http.post(path, body, { schema: review, isRead: true })).body
    const { verb, resource, subresource } = permission
    if (!status.allowed) missing.push(`${verb} ${[resource, subresource].filter(Boolean).join('/')}`)
  }
  if (missing.length > 0)
    throw refused(`The service account may not ${missing.join(', ')} in the namespace ${namespace}.`)
}

/** Returns the API path of a namespaced resource: `apis/batch/v1/namespaces/shop/jobs`. */
export function resourcePath(api: string, namespace: string, resource: string, name?: string): string {
  const path = `${api}/namespaces/${segment(namespace)}/${resource}`
  return name === undefined ? path : `${path}/${segment(name)}`
}
