/** A response that a browser follows. */
interface PageResponse {
  statusCode: number
  headers: Record<string, string>
  body: string
}

/** Sends a request to our functions. */
export type Send = (method: string, url: URL, headers: Record<string, string>, body?: string) => Promise<PageResponse>

/** A browser without scripts: it follows redirects and keeps cookies, those of our page and those of the provider. */
export class SignInClient {
  readonly #send: Send
  /** The cookie of our page. */
  cookie: string | undefined
  /** The URL with which the provider has sent the person back. */
  callback: URL | undefined
  readonly #providerCookies = new Map<string, string>()

  constructor(send: Send) {
    this.#send = send
  }

  /** Opens a URL of our page, without following a redirect. */
  async open(url: URL | string, method = 'GET', body?: string): Promise<PageResponse> {
    const headers = { cookie: `other=1; __Host-approval=${this.cookie ?? ''}` }
    const response = await this.#send(method, new URL(url), headers, body)
    const [, value] = /^__Host-approval=([^;]*); /.exec(response.headers['set-cookie'] ?? '') ?? []
    if (value !== undefined) this.cookie = value || undefined
    return response
  }

  /** Signs in with the form of the provider, and returns the response to the person who comes back, after redirects. */
  async signIn(page: string, person: string): Promise<PageResponse> {
    this.callback = await this.authenticate(await this.start(page), person)
    return this.redirect(await this.open(this.callback))
  }

  /** Follows the link of the page, and returns the URL of the provider. */
  async start(page: string): Promise<URL> {
    const { headers, statusCode, body } = await this.open(`${page}/sign-in`)
    const { location = page } = headers
    if (location === page) throw new Error(`No redirect to the provider, but ${statusCode}: ${body}`)
    return new URL(location)
  }

  /** Enters the name of a person at the provider, and consents. Returns where it sends the person. */
  async authenticate(start: URL, person: string): Promise<URL> {
    let url = start
    let form: Record<string, string> | undefined
    for (let round = 0; round < 12; round++) {
      const response = await this.#fetch(url, form)
      const location = response.headers.get('location')
      const body = await response.text()
      form = undefined
      if (location !== null) {
        const next = new URL(location, url)
        if (next.origin !== start.origin) return next
        url = next
        continue
      }
      const [, action = ''] = /<form [^>]*action="([^"]+)"/.exec(body) ?? []
      const [, prompt = ''] = /name="prompt" value="(\w+)"/.exec(body) ?? []
      if (prompt === '') throw new Error(`The provider shows no form: ${body}`)
      url = new URL(action, url)
      form = { prompt, ...(prompt === 'login' ? { login: person, password: 'any' } : {}) }
    }
    throw new Error('The provider does not end the sign-in.')
  }

  /** Follows the redirects of our page. */
  async redirect(response: PageResponse): Promise<PageResponse> {
    const { location } = response.headers
    return location === undefined ? response : this.redirect(await this.open(location))
  }

  async #fetch(url: URL, form: Record<string, string> | undefined): Promise<Response> {
    const cookie = [...this.#providerCookies].map((pair) => pair.join('=')).join('; ')
    const response = await fetch(url, {
      method: form ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { cookie },
      ...(form ? { body: new URLSearchParams(form) } : {}),
    })
    for (const set of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (set.split(';', 1)[0] ?? '').split('=')
      this.#providerCookies.set(name, value)
    }
    return response
  }
}
