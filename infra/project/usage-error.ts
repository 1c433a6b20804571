/** An error whose message says what the user must correct. The exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
