/**
 * Calls a function for each item, in batches, and returns the results in the order of the items.
 *
 * @param size the number of parallel calls
 * @example const values = await inBatches(queries, 5, (query) => http.get(pathOf(query), { schema }))
 */
export async function inBatches<T, R>(items: readonly T[], size: number, run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let start = 0; start < items.length; start += size)
    results.push(...(await Promise.all(items.slice(start, start + size).map(run))))
  return results
}
