/** Whether a URL uses HTTPS, or leads to this machine, and contains no credentials. */
export function isSecureUrl(text: string): boolean {
  const url = URL.parse(text)
  if (!url || `${url.username}${url.password}` !== '') return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
}

/** @param host a host name, as in a parsed URL */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host)
}
