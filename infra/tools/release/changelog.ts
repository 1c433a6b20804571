/** A change that users notice, from a file in `.changeset/`. */
export interface Change {
  /** The part of the version that it raises. */
  type: 'major' | 'minor' | 'patch'
  text: string
}

const UNRELEASED = '## [Unreleased]\n'
const TITLES: readonly (readonly [Change['type'], string])[] = [
  ['major', 'Breaking changes'],
  ['minor', 'Added and changed'],
  ['patch', 'Fixed'],
]

/** Whether the changelog has a section for a version. */
export function hasVersion(changelog: string, version: string): boolean {
  return changelog.includes(`\n## [${version}]`)
}

/** Moves what is unreleased, and the changes, to a section for a version. */
export function addVersion(changelog: string, version: string, date: string, changes: readonly Change[]): string {
  const at = changelog.indexOf(UNRELEASED)
  if (at < 0) throw new Error(`CHANGELOG.md has no section "${UNRELEASED.trim()}". Add it above the released versions.`)
  const { first: unreleased, others: released } = splitSections(changelog.slice(at + UNRELEASED.length))
  const lists = TITLES.flatMap(([type, title]) => {
    const found = changes.filter((change) => change.type === type)
    return found.length === 0 ? [] : [`### ${title}\n\n${found.map(({ text }) => listItem(text)).join('\n')}`]
  })
  const sections = [`## [${version}] - ${date}`, unreleased, ...lists, released].filter(Boolean)
  return `${changelog.slice(0, at)}${UNRELEASED}\n${sections.join('\n\n')}\n`
}

/** Returns the text of the section of a version, without its heading. */
export function notesOf(changelog: string, version: string): string {
  if (!hasVersion(changelog, version)) throw new Error(`CHANGELOG.md has no section for ${version}.`)
  const [, rest = ''] = changelog.split(`\n## [${version}]`)
  return splitSections(rest.replace(/^.*\n/, '')).first
}

/** Splits a text at the heading of a version. */
function splitSections(text: string): { first: string; others: string } {
  const next = text.search(/^## \[/m)
  return next < 0
    ? { first: text.trim(), others: '' }
    : { first: text.slice(0, next).trim(), others: text.slice(next).trim() }
}

function listItem(text: string): string {
  return `- ${text.trim().replaceAll('\n', '\n  ')}`
}
