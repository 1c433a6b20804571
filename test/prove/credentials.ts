import { createHash } from 'node:crypto'
import { engineSecrets } from '../../infra/sandbox/engines/secrets.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { settings } from '../../shared/settings.ts'
import { type Random, randomOf } from './random.ts'
import { OWNER, restrictions } from './restrictions.ts'

/** The credentials of platforms that change during a run. */
export const rotating = ['github', 'keptn', 'servicenow', 'databricks', 'rundeck', 'slack', 'dynatrace'] as const
export type Rotating = (typeof rotating)[number]

/** The credentials that the sandbox accepts instead of those of `demo`. */
export type Accepted = Partial<Record<Rotating, string>> & { unleash?: string; approvals?: string; signing?: string }

/**
 * The credentials of a run. Each contains the marker, so that the search for leaks finds parts of them in any encoding.
 */
export class Credentials {
  readonly marker: string
  readonly accepted: Required<Accepted>
  /** The credentials of the functions, which temporarily differ from the accepted ones. */
  readonly #distributed: Required<Accepted>
  readonly #random: Random
  caller: string
  #callers: string[]
  /** The secret that the credentials of the engines contain. */
  readonly engineKey: string
  /** The token of the agent. */
  readonly agent: string
  /** The token of the sender of alerts. */
  readonly alerts: string

  constructor(seed: number) {
    this.#random = randomOf(seed, 'credentials')
    this.marker = `PROVE${this.#random.uuid().replaceAll('-', '').slice(0, 10)}`
    const names = [...rotating, 'unleash', 'approvals', 'signing'] as const
    this.accepted = Object.fromEntries(names.map((name) => [name, this.#value(name)])) as Required<Accepted>
    this.#distributed = { ...this.accepted }
    this.caller = this.#value('caller')
    this.#callers = [this.caller]
    this.engineKey = this.#value('engines')
    this.agent = this.#value('agent')
    this.alerts = this.#value('alerts')
  }

  /** Returns the marker in all encodings. */
  get markers(): string[] {
    const inBase64 = (before: string) => {
      // Only complete groups of three bytes do not depend on the surrounding text.
      const from = Math.ceil(Buffer.byteLength(before) / 3) * 4
      const bytes = Buffer.from(`${before}${this.marker}`)
      const encoded = bytes.toString('base64')
      return encoded.slice(from, Math.floor(bytes.length / 3) * 4)
    }
    return [this.marker, inBase64(''), inBase64(`${demo.serviceNow.username}:`), inBase64('x'), inBase64('xx')]
  }

  /** Creates a new credential. The two steps of the rotation can run in any order. */
  next(of: Rotating): { distribute(): void; accept(): void } {
    const value = this.#value(of)
    return {
      distribute: () => {
        this.#distributed[of] = value
      },
      accept: () => {
        this.accepted[of] = value
      },
    }
  }

  /** Creates a new token for the caller. */
  nextCaller(): { add(): void; use(): void; removeOld(): void } {
    const value = this.#value('caller')
    return {
      add: () => this.#callers.push(value),
      use: () => {
        this.caller = value
      },
      removeOld: () => {
        this.#callers = this.#callers.slice(-1)
      },
    }
  }

  /**
   * Returns the content of Secrets Manager.
   *
   * @param url the URL of the runtime
   * @param proxy the URL of the TLS proxy and its certificate authority
   */
  secrets(url: string, proxy: { url: string; ca: string }): Record<string, unknown> {
    const prefix = settings.secretPrefix
    const current = this.#distributed
    const at = (path: string) => `${prefix}/connections/${path}`
    const hashOf = (token: string) => `sha256:${createHash('sha256').update(token).digest('hex')}`
    const github = { provider: 'github', baseUrl: `${url}/sandbox/github`, token: current.github, project: 'demo/shop' }
    const unleash = {
      provider: 'unleash',
      baseUrl: `${url}/sandbox/unleash`,
      token: current.unleash,
      project: 'default',
      environment: 'production',
    }
    const actions = { ...github, provider: 'github-actions', target: 'deploy.yml', keyInput: 'key' }
    const databricks = {
      provider: 'databricks',
      baseUrl: `${url}/sandbox/databricks`,
      token: current.databricks,
      target: '101',
    }
    const rundeck = {
      provider: 'rundeck',
      baseUrl: `${url}/sandbox/rundeck`,
      token: current.rundeck,
      project: 'shop',
      keyOption: 'key',
      actions: { 'toggle-feature': { action: 'toggle-flag', connection: 'flags' } },
    }
    const dynatrace = { baseUrl: `${url}/sandbox/dynatrace`, token: current.dynatrace }
    const engines = engineSecrets({ url, key: () => this.engineKey })
    const orchestrators = Object.entries(engines.orchestrators).map(([name, secret]) => [
      `${prefix}/orchestrators/${name}`,
      secret,
    ])
    const callers = {
      ...engines.callers,
      prover: { tokens: this.#callers.map(hashOf), categories: ['*'], orchestrator: 'keptn', reads: 'all' },
      agent: { tokens: [hashOf(this.agent)], categories: ['*'], agent: true, writes: 'allow' },
    }
    const servicenow = {
      provider: 'servicenow',
      baseUrl: `${url}/sandbox/servicenow`,
      username: demo.serviceNow.username,
      password: current.servicenow,
    }
    const restricted = Object.entries({
      'issue-ticketing': github,
      'incident-management': servicenow,
      optimization: databricks,
      remediation: rundeck,
    }).flatMap(([category, secret]) =>
      restrictions.map(({ connection }) => [at(`${category}/${connection}`), secret] as const),
    )
    return {
      ...Object.fromEntries([...orchestrators, ...restricted]),
      [`${prefix}/callers`]: Object.fromEntries(
        Object.entries(callers).map(([name, caller]) => [name, { ...caller, owners: [OWNER] }]),
      ),
      [`${prefix}/orchestrators/keptn`]: {
        type: 'keptn',
        baseUrl: `${proxy.url}/sandbox/keptn`,
        token: current.keptn,
        ca: proxy.ca,
      },
      [`${prefix}/sources/alerts`]: { token: this.alerts, allow: ['issue-ticketing/*', 'remediation/run-runbook'] },
      [`${prefix}/approvals`]: { key: current.approvals },
      [at('issue-ticketing/default')]: github,
      [at('issue-ticketing/tls')]: { ...github, baseUrl: `${proxy.url}/sandbox/github`, ca: proxy.ca },
      [at('incident-management/default')]: servicenow,
      [at('feature-flags/default')]: unleash,
      [at('ci-cd/default')]: actions,
      [at('ci-cd/polled')]: actions,
      [at('notification/default')]: {
        provider: 'slack',
        baseUrl: `${url}/sandbox/slack`,
        token: current.slack,
        signingSecret: current.signing,
        channel: 'C0RELEASES',
      },
      [at('slo/default')]: { provider: 'dynatrace', ...dynatrace, dataDelay: 0 },
      [at('slo/events')]: {
        provider: 'dynatrace-event',
        ...dynatrace,
        entitySelector: 'type(SERVICE),entityName.equals("$SERVICE")',
      },
      [at('optimization/default')]: databricks,
      [at('optimization/polled')]: databricks,
      [at('remediation/default')]: rundeck,
      [at('remediation/polled')]: rundeck,
      [at('remediation/flags')]: unleash,
    }
  }

  /** Contains characters that JSON, URLs and headers encode differently. */
  #value(of: string): string {
    return `${this.marker}-${of}-${this.#random.uuid().slice(0, 8)}/+="x"`
  }
}

/** Sets the credentials that the sandbox of this process accepts. */
export function accept(given: Accepted): void {
  const { github, keptn, servicenow, databricks, rundeck, slack, dynatrace, unleash, approvals, signing } = given
  const changed = {
    ...(github && { githubToken: github }),
    ...(keptn && { keptnToken: keptn }),
    ...(databricks && { databricksToken: databricks }),
    ...(rundeck && { rundeckToken: rundeck }),
    ...(dynatrace && { dynatraceToken: dynatrace }),
    ...(approvals && { approvalsKey: approvals }),
  }
  Object.assign(demo, changed)
  if (servicenow) Object.assign(demo.serviceNow, { password: servicenow })
  if (slack) Object.assign(demo.slack, { token: slack })
  if (signing) Object.assign(demo.slack, { signingSecret: signing })
  if (unleash) Object.assign(demo.unleash, { token: unleash })
}
