import { oneOf, optional, url } from '../../shared/fields.ts'

const sites = [
  'datadoghq.com',
  'us3.datadoghq.com',
  'us5.datadoghq.com',
  'datadoghq.eu',
  'ap1.datadoghq.com',
  'ap2.datadoghq.com',
  'uk1.datadoghq.com',
  'ddog-gov.com',
  'us2.ddog-gov.com',
] as const

/**
 * The fields of a connection that select a Datadog site.
 *
 * @see https://docs.datadoghq.com/getting_started/site/
 */
export const siteFields = {
  site: optional(oneOf(sites, 'The Datadog site of the organization. Defaults to datadoghq.com')),
  baseUrl: optional(url('The URL of a proxy. Defaults to the API of the site')),
}

interface Site {
  site?: (typeof sites)[number] | undefined
  baseUrl?: string | undefined
}

export function apiUrlOf({ site = 'datadoghq.com', baseUrl }: Site): string {
  return baseUrl ?? `https://api.${site}`
}

/** Returns the URL of the web application. Sites that are a complete domain have it at `app`. */
export function appUrlOf({ site = 'datadoghq.com' }: Site): string {
  return `https://${site.split('.').length === 2 ? `app.${site}` : site}`
}

export function keyHeaders(keys: { apiKey: string; applicationKey?: string | undefined }): Record<string, string> {
  const { apiKey, applicationKey } = keys
  return { 'dd-api-key': apiKey, ...(applicationKey === undefined ? {} : { 'dd-application-key': applicationKey }) }
}

/** Datadog answers an unknown key with 403 and only the word `Forbidden`. Missing permissions have a longer reason. */
export function refusesKeys(status: number, body: unknown): boolean {
  const { errors } = (body ?? {}) as { errors?: unknown }
  return status === 403 && JSON.stringify(errors) === '["Forbidden"]'
}
