/**
 * Does something for each, so many at a time, and answers in their order.
 *
 * @param most how many at the same time
 */
export async function inBatches<T, R>(all: readonly T[], most: number, run: (one: T) => Promise<R>): Promise<R[]> {
  const done: R[] = []
  for (let at = 0; at < all.length; at += most) done.push(...(await Promise.all(all.slice(at, at + most).map(run))))
  return done
}
