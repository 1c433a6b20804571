/** Starts a declaration that is not exported. */
const UNEXPORTED = /^(?:declare |abstract )*(?:class|const|enum|function|interface|namespace|type) /
/** Everything in the reports is public, and the site has the comments. */
const MARKER = /^ *\/\/ (?:@public|\(undocumented\)|@public \(undocumented\))\n/gm

/**
 * Returns a report of API Extractor without what another report or the site says.
 *
 * @param listed declarations in the reports before. Gets those of this report
 */
export function shortReport(report: string, listed: Set<string>): string {
  const blocks = report.replaceAll('\r\n', '\n').replaceAll(MARKER, '').split('\n\n')
  const remaining = blocks.filter((block) => !(UNEXPORTED.test(block) && listed.has(block)))
  for (const block of remaining) listed.add(block.replace(/^export /, ''))
  return remaining.join('\n\n')
}
