/** The user pressed Ctrl-C at a prompt. */
export class CancelledError extends Error {
  override readonly name = 'CancelledError'
  constructor() {
    super('Nothing was saved.')
  }
}
