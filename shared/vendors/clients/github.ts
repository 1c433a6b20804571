import { segment } from '../../http/segment.ts'

export const GITHUB_API_URL = 'https://api.github.com'

/**
 * Returns the headers of a request to GitHub.
 *
 * @see https://docs.github.com/en/rest/about-the-rest-api/api-versions
 */
export function githubHeaders(token: string): Record<string, string> {
  return {
    authorization: `Bearer ${token}`,
    accept: 'application/vnd.github+json',
    'x-github-api-version': '2022-11-28',
  }
}

/** A repository. Excludes names of dots only, which would change the path of a request. */
export const repository = {
  pattern: /^(?!\.+\/)[A-Za-z0-9_.-]+\/(?!\.+$)[A-Za-z0-9_.-]+$/,
  example: 'octo-org/octo-repo',
}

/** Returns the API path of a repository. */
export function repositoryPath(project: string): string {
  const [owner = '', repo = ''] = project.split('/')
  return `repos/${segment(owner)}/${segment(repo)}`
}
