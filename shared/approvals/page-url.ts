import type { RouteRequest } from '../providers/category.ts'

/** The last segment of the URLs of a sign-in. After the route itself, it is the redirect URI: the same for all approvals. */
export const SIGN_IN = 'sign-in'

/** The last segment of a link that only shows an approval. Its token decides nothing. */
export const READ = 'read'

/** Returns the URL of the page of an approval. */
export function pageUrlOf({ categoryUrl }: Pick<RouteRequest, 'categoryUrl'>, token: string): string {
  return `${categoryUrl}/approvals/${token}`
}
