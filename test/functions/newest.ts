/** Returns the last item. Throws an error if there is none. */
export function newest<T>(items: readonly T[]): T {
  const item = items.at(-1)
  if (item === undefined) throw new Error('The fake platform has no run')
  return item
}
