/** An AWS service, for its endpoint. */
export interface ServiceName {
  /** The part of its endpoint before the region: `secretsmanager`. */
  host: string
  /** The end of its environment variable `AWS_ENDPOINT_URL_..`: `SECRETS_MANAGER`. */
  variable: string
}

/** The domains of the partitions that have their own, by the start of their regions. */
const DOMAINS: Record<string, string> = {
  'cn-': 'amazonaws.com.cn',
  'eusc-': 'amazonaws.eu',
  'us-iso-': 'c2s.ic.gov',
  'us-isob-': 'sc2s.sgov.gov',
  'eu-isoe-': 'cloud.adc-e.uk',
  'us-isof-': 'csp.hci.ic.gov',
}

/** Returns the region of the function. */
export function regionOfFunction({ AWS_REGION: region }: NodeJS.ProcessEnv): string {
  if (!region) throw new Error('The environment variable AWS_REGION is not set. Lambda and the local runtime set it.')
  return region
}

/** Returns the domain of the endpoints in a region, which belongs to its partition. */
export function domainOf(region: string): string {
  const [, domain = 'amazonaws.com'] = Object.entries(DOMAINS).find(([start]) => region.startsWith(start)) ?? []
  return domain
}

/**
 * Returns the endpoint of a service, like the AWS SDK: the one in the environment, or that of the region, with FIPS if the
 * environment asks for it.
 *
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
 */
export function endpointOf({ host, variable }: ServiceName, environment: NodeJS.ProcessEnv): string {
  const configured = environment[`AWS_ENDPOINT_URL_${variable}`] || environment['AWS_ENDPOINT_URL']
  if (configured && environment['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] !== 'true') return configured.replace(/\/$/, '')
  const region = regionOfFunction(environment)
  // In GovCloud, every endpoint of DynamoDB has FIPS.
  const hasFipsEndpoint = !(host === 'dynamodb' && region.startsWith('us-gov-'))
  const fips = environment['AWS_USE_FIPS_ENDPOINT'] === 'true' && hasFipsEndpoint ? '-fips' : ''
  return `https://${host}${fips}.${region}.${domainOf(region)}`
}
