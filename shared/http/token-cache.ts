import { registerSecret } from '../redact.ts'

interface FetchedToken {
  token: string
  /** Epoch milliseconds. */
  expiresAt: number
}

/** Caches access tokens until shortly before they expire, and registers them for masking. */
export class TokenCache {
  readonly #marginMs: number
  readonly #tokens = new Map<string, FetchedToken>()

  /** @param marginMs how early tokens are renewed, so that they last for the requests */
  constructor(marginMs: number) {
    this.#marginMs = marginMs
  }

  /** Returns the token of a key, from the cache or fetched. */
  async get(key: string, fetchToken: () => Promise<FetchedToken>): Promise<string> {
    const cached = this.#tokens.get(key)
    const current = cached && cached.expiresAt - this.#marginMs > Date.now() ? cached : await fetchToken()
    registerSecret(current.token)
    this.#tokens.set(key, current)
    return current.token
  }

  /** Discards a token that was not accepted. */
  delete(key: string): void {
    this.#tokens.delete(key)
  }
}
