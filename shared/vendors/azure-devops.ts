import * as z from 'zod/mini'
import { Failure } from '../errors.ts'
import { name, oneOf, secret, url } from '../fields.ts'
import { basicAuth } from '../http/basic-auth.ts'
import type { HttpResponse } from '../http/exchange.ts'
import type { RequestOptions } from '../http/options.ts'
import { segment } from '../http/segment.ts'
import type { Client, Provider } from '../providers/provider.ts'

/** The fields of a connection to Azure DevOps in every category. */
export const azureDevopsConnection = {
  baseUrl: z._default(
    url(
      'URL of Azure DevOps. Defaults to https://dev.azure.com. For Azure DevOps Server, https://<server>/tfs or its custom path',
    ),
    'https://dev.azure.com',
  ),
  token: secret('A personal access token, or an access token of Microsoft Entra'),
  project: name('Default project, as organization/project, or as collection/project for Azure DevOps Server'),
  apiVersion: z._default(
    oneOf(['7.1', '7.0'], 'Version of the REST API. Use 7.0 for Azure DevOps Server 2022 before 2022.1'),
    '7.1',
  ),
}

export type AzureDevops = Pick<Client<{ apiVersion: '7.1' | '7.0' }>, 'http' | 'connection'>

/**
 * The common members of all Azure DevOps providers.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/
 * @see https://learn.microsoft.com/en-us/azure/devops/integrate/get-started/authentication/authentication-guidance
 */
export const azureDevopsApi = {
  headers: ({ token }: { token: string }) => ({
    // Tokens of Entra are JWTs, personal access tokens are not.
    authorization: /^ey[\w-]+\.[\w-]+\.[\w-]+$/.test(token) ? `Bearer ${token}` : basicAuth('', token),
    // Without it, Azure DevOps redirects to its sign-in page.
    'x-tfs-fedauthredirect': 'Suppress',
  }),
} satisfies Pick<Provider<z.ZodMiniObject<{ token: z.ZodMiniString }>>, 'headers'>

const part = String.raw`(?![._])[^/:\\~&%;@'"?<>|#$*}{,+=[\]\p{Cc}]{1,64}(?<!\.)`
/**
 * A project, below its organization or server collection.
 *
 * @see https://learn.microsoft.com/en-us/azure/devops/organizations/settings/naming-restrictions
 */
export const azureDevopsProject = { pattern: new RegExp(`^${part}/${part}$`, 'u'), example: 'fabrikam/Fabrikam-Fiber' }

/** Returns the path of a project, for the API and for people. */
export function projectPath(project: string): string {
  const [organization = '', name = ''] = project.split('/')
  return `${segment(organization)}/${segment(name)}`
}

interface AskOptions<T> extends RequestOptions<T> {
  schema: z.ZodMiniType<T>
  /** The operation exists only as a preview. */
  preview?: string
}

/**
 * Sends a request with the API version, which is required.
 *
 * @param path relative to the API of the project
 * @throws Failure also `credentials` if the response is the sign-in page, which has a successful status
 */
export async function ask<T>(
  { http, connection: { apiVersion } }: AzureDevops,
  method: string,
  project: string,
  path: string,
  { schema, preview, query, ...options }: AskOptions<T>,
): Promise<HttpResponse<T>> {
  const version = preview ? `${apiVersion}-${preview}` : apiVersion
  const { status, headers, body } = await http.request(method, `${projectPath(project)}/_apis/${path}`, {
    ...options,
    query: { 'api-version': version, ...query },
    schema: z.union([schema, z.string()]),
  })
  if (typeof body !== 'string') return { status, headers, body }
  throw new Failure(
    'credentials',
    `Azure DevOps answered ${status} to ${method} ${path} with its sign-in page, because the token is not valid. Update the token.`,
  )
}
