/** Returns the configured URL of a collection that a call names, with a slash at the end. Undefined if the orchestrator may not call it. */
export function collectionOf(planUrl: string, collections: readonly string[]): string | undefined {
  const named = normalize(planUrl)
  const known = collections.find((collection) => named !== undefined && normalize(collection) === named)
  return known === undefined ? undefined : withSlash(known)
}

/**
 * Whether a URL is that of a collection: `https://dev.azure.com/<organization>/`, `https://<organization>.visualstudio.com/`, or
 * that of a collection of Azure DevOps Server.
 */
export function isCollection(text: string): boolean {
  const normal = normalize(text)
  // Without the organization, every organization would be meant.
  return normal !== undefined && normal !== 'https://dev.azure.com/'
}

/** Origin and path, both in lower case: the names of organizations and collections have no case. */
function normalize(text: string): string | undefined {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol) || `${url.username}${url.password}${url.search}${url.hash}` !== '')
    return undefined
  return withSlash(`${url.origin}${url.pathname}`).toLowerCase()
}

function withSlash(text: string): string {
  return text.endsWith('/') ? text : `${text}/`
}
