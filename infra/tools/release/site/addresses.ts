/** Sources and their addresses on the site, without the extension. The first pattern that matches applies. */
const ADDRESSES: readonly [RegExp, string][] = [
  [/^infra\/tools\/release\/site\/index\.md$/, 'index'],
  [/^README\.md$/, 'overview'],
  [/^SECURITY\.md$/, 'security-policy'],
  [/^(CHANGELOG|CONTRIBUTING)\.md$/, '$1'],
  [/^docs\/http\/README\.md$/, 'recipes/index'],
  [/^docs\/http\/(.+)\.md$/, 'recipes/$1'],
  [/^docs\/(.+)\/README\.md$/, '$1/index'],
  // On the site, the page with the comments takes the place of the report.
  [/^docs\/(api\/.+)\.api\.md$/, '$1'],
  [/^docs\/(.+)\.md$/, '$1'],
  [/^functions\/([^/]+)\/README\.md$/, 'categories/$1'],
  [/^examples\/README\.md$/, 'examples/index'],
  [/^examples\/([^/]+)\/README\.md$/, 'examples/$1'],
]

/** Returns the address of a page, such as `categories/slo`; undefined if the site does not contain the file. */
export function addressOf(source: string): string | undefined {
  const found = ADDRESSES.find(([pattern]) => pattern.test(source))
  return found && source.replace(...found).toLowerCase()
}
