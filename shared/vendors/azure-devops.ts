import * as z from 'zod/mini'
import { Failure } from '../errors.ts'
import { name, oneOf, secret, url } from '../fields.ts'
import { basicAuth } from '../http/basic-auth.ts'
import type { RequestOptions } from '../http/client.ts'
import type { HttpResponse } from '../http/exchange.ts'
import { segment } from '../http/segment.ts'
import type { Client, Provider } from '../providers/provider.ts'

/** What a connection to Azure DevOps holds, in every category. */
export const azureDevopsConnection = {
  baseUrl: z._default(
    url('https://dev.azure.com where left out; https://<server>/tfs, or what stands there, of an Azure DevOps Server'),
    'https://dev.azure.com',
  ),
  token: secret('A personal access token, or an access token of Microsoft Entra'),
  project: name('Default project, as organization/project; at a server as collection/project'),
  apiVersion: z._default(
    oneOf(['7.1', '7.0'], 'The version of the REST API; 7.0 for Azure DevOps Server 2022 before its update 2022.1'),
    '7.1',
  ),
}

/** What a call of the API needs. */
export type AzureDevops = Pick<Client<{ apiVersion: '7.1' | '7.0' }>, 'http' | 'connection'>

/**
 * How the REST API of Azure DevOps is called, whatever for.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/
 * @see https://learn.microsoft.com/en-us/azure/devops/integrate/get-started/authentication/authentication-guidance
 */
export const azureDevopsApi = {
  headers: ({ token }: { token: string }) => ({
    // A token of Entra is a JWT, which a personal one never looks like.
    authorization: /^ey[\w-]+\.[\w-]+\.[\w-]+$/.test(token) ? `Bearer ${token}` : basicAuth('', token),
    // Else it would redirect to the page where people sign in.
    'x-tfs-fedauthredirect': 'Suppress',
  }),
} satisfies Pick<Provider<z.ZodMiniObject<{ token: z.ZodMiniString }>>, 'headers'>

const part = String.raw`(?![._])[^/:\\~&%;@'"?<>|#$*}{,+=[\]\p{Cc}]{1,64}(?<!\.)`
/**
 * How a project is named, below the organization, or the collection of a server, that it belongs to.
 *
 * @see https://learn.microsoft.com/en-us/azure/devops/organizations/settings/naming-restrictions
 */
export const azureDevopsProject = { pattern: new RegExp(`^${part}/${part}$`, 'u'), example: 'fabrikam/Fabrikam-Fiber' }

/** Where a project is below the base URL, for its API and for people. */
export function projectPath(project: string): string {
  const [organization = '', name = ''] = project.split('/')
  return `${segment(organization)}/${segment(name)}`
}

interface AskOptions<T> extends RequestOptions<T> {
  schema: z.ZodMiniType<T>
  /** For an operation that every version of the API only has as a preview. */
  preview?: string
}

/**
 * Asks the API; every call must name a version.
 *
 * @param path below the API of the project
 * @throws Failure also `credentials` where the page to sign in is answered, with a status of success
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
    `Azure DevOps answered ${status} to ${method} ${path} with a page to sign in: the token is not valid there.`,
  )
}
