/** What to do about a part of the state folder that cannot be read, after a full disk or a change by hand. */
export function brokenState(path: string, cause: unknown): Error {
  return new Error(
    `${path} cannot be read (${(cause as Error).message}): move it away, and start again. What it held is lost: tasks that had not ended get no finished event.`,
    { cause },
  )
}
