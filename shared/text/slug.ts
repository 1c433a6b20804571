/**
 * Returns a title as a lower-case name without spaces.
 *
 * @example slug('Azure Boards') // azure-boards
 */
export function slug(title: string): string {
  return title.toLowerCase().replace(/\s+/g, '-')
}
