/** A page of the console in which a region's things are seen, in whatever partition the region is. */
export function consoleUrl(region: string, path: string): string {
  return `https://${region}.${consoleOf(region)}/${path}?region=${region}`
}

function consoleOf(region: string): string {
  if (region.startsWith('cn-')) return 'console.amazonaws.cn'
  return region.startsWith('us-gov-') ? 'console.amazonaws-us-gov.com' : 'console.aws.amazon.com'
}
