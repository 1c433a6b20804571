/**
 * Returns a page of a list, and the position of the next page if there is one.
 *
 * @param position the position that an earlier page returned as `next`. Defaults to the start of the list
 */
export function pageOf<T>(items: readonly T[], position: unknown, size: number): { page: T[]; next?: string } {
  const from = Number(position ?? 0)
  const page = items.slice(from, from + size)
  return from + size < items.length ? { page, next: String(from + size) } : { page }
}
