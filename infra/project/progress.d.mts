/** Prints every few seconds that something still runs, until the returned function is called. */
export function reportProgress(activity: string): () => void
