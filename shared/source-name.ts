/** No caller of the secret `callers` should have a name with it: its tasks would be those of a source. */
const PREFIX = 'source-'

/** Returns the name of the caller that the rules of a source act as. */
export function callerNameOf(source: string): string {
  return `${PREFIX}${source}`
}

/** Returns the source whose rules act as a caller; undefined for another caller. */
export function sourceOfCaller(caller: string): string | undefined {
  return caller.startsWith(PREFIX) ? caller.slice(PREFIX.length) : undefined
}
