import { oneOf, optional, url } from '../../shared/fields.ts'

const sites = [
  ...(['datadoghq.com', 'us3.datadoghq.com', 'us5.datadoghq.com', 'datadoghq.eu'] as const),
  ...(['ap1.datadoghq.com', 'ap2.datadoghq.com', 'uk1.datadoghq.com', 'ddog-gov.com', 'us2.ddog-gov.com'] as const),
] as const

/**
 * Where an organization is.
 *
 * @see https://docs.datadoghq.com/getting_started/site/
 */
export const datadogPlace = {
  site: optional(oneOf(sites, 'The Datadog site of the organization; datadoghq.com where left out')),
  baseUrl: optional(url("Another address than that of the site's API: a proxy")),
}

interface Place {
  site?: (typeof sites)[number] | undefined
  baseUrl?: string | undefined
}

/** Where the API of an organization is. */
export function apiOf({ site = 'datadoghq.com', baseUrl }: Place): string {
  return baseUrl ?? `https://api.${site}`
}

/** Where people see an organization: sites that are no part of another one are below `app`. */
export function appOf({ site = 'datadoghq.com' }: Place): string {
  return `https://${site.split('.').length === 2 ? `app.${site}` : site}`
}

/** The headers of every call. */
export function keysOf(keys: { apiKey: string; applicationKey?: string | undefined }): Record<string, string> {
  const { apiKey, applicationKey } = keys
  return { 'dd-api-key': apiKey, ...(applicationKey === undefined ? {} : { 'dd-application-key': applicationKey }) }
}

/** A key that Datadog does not know is a 403 with this word alone; one that lacks a permission has more to say. */
export function refusesKeys(status: number, body: unknown): boolean {
  const { errors } = (body ?? {}) as { errors?: unknown }
  return status === 403 && JSON.stringify(errors) === '["Forbidden"]'
}
