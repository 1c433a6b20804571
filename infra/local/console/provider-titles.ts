import { categories } from '../../project/categories.ts'

/** The titles of providers. Each provider is loaded once, when a connection uses it. */
export class ProviderTitles {
  readonly #titles = new Map<string, string>()

  /** Loads the title of a provider. An unknown provider has none. */
  async load(category: string, provider: string): Promise<void> {
    const key = `${category}/${provider}`
    const { providers = {} } = categories.find(({ name }) => name === category) ?? {}
    if (this.#titles.has(key) || !Object.hasOwn(providers, provider)) return
    this.#titles.set(key, '')
    this.#titles.set(key, (await providers[provider]?.())?.title ?? '')
  }

  /** Returns the title of a provider. Empty until it is loaded. */
  titleOf(category: string, provider: string): string {
    return this.#titles.get(`${category}/${provider}`) ?? ''
  }
}
