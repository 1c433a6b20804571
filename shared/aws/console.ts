/** Returns the URL of a page of the AWS console, in the partition of the region. */
export function consoleUrl(region: string, path: string): string {
  return `https://${region}.${consoleHost(region)}/${path}?region=${region}`
}

function consoleHost(region: string): string {
  if (region.startsWith('cn-')) return 'console.amazonaws.cn'
  return region.startsWith('us-gov-') ? 'console.amazonaws-us-gov.com' : 'console.aws.amazon.com'
}
