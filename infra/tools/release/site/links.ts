import { existsSync, statSync } from 'node:fs'
import { posix } from 'node:path'
import { addressOf } from './addresses.ts'

const EXTERNAL = /^(?:[a-z]+:|\/\/)/i

/**
 * Turns a link of a source into a link of the site.
 *
 * @param source path of the page that contains the link
 * @param repository URL of the repository, for links to files that are not pages; undefined if it is unknown
 * @returns undefined if the site cannot link to the file
 * @throws Error if there is no such file
 */
export function siteLink(
  root: string,
  source: string,
  link: string,
  repository: string | undefined,
): string | undefined {
  if (EXTERNAL.test(link) || link.startsWith('#')) return link
  const [path = '', anchor] = link.split('#')
  const target = posix.join(posix.dirname(source), decodeURIComponent(path)).replace(/\/$/, '')
  const file = posix.join(root, target)
  if (!existsSync(file)) throw new Error(`${source} links to ${link}, but there is no ${target}.`)
  const isFolder = statSync(file).isDirectory()
  const address = addressOf(isFolder ? `${target}/README.md` : target)
  const hash = anchor === undefined ? '' : `#${anchor}`
  if (address !== undefined) return `/${address.replace(/(^|\/)index$/, '$1')}${hash}`
  return repository && `${repository}/${isFolder ? 'tree' : 'blob'}/main/${target}${hash}`
}

/** Returns the id of a heading as GitHub writes it, so that links work in both places. */
export function githubSlug(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}
