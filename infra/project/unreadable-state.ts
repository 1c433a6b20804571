/** Creates the error for an unreadable part of the state folder, for example after the disk was full. */
export function unreadableState(path: string, cause: unknown): Error {
  return new Error(
    `Cannot read ${path}: ${(cause as Error).message}. Move it away and start again. Its content is lost: running tasks will not send a finished event.`,
    { cause },
  )
}
