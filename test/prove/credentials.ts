import { createHash } from 'node:crypto'
import { demo } from '../../infra/platforms/sandbox/demo.ts'
import { settings } from '../../shared/settings.ts'
import { type Random, randomOf } from './random.ts'

/** The credentials of platforms that change during a run. */
export const rotating = ['github', 'keptn', 'servicenow', 'databricks', 'rundeck', 'slack', 'dynatrace'] as const
export type Rotating = (typeof rotating)[number]

/** What the sandbox is to take, over what `demo` has. */
export type Accepted = Partial<Record<Rotating, string>> & { unleash?: string; approvals?: string; signing?: string }

/**
 * The credentials of a run, each of which begins with its mark, so that any piece of any of them is found wherever it was
 * written, in whatever encoding.
 */
export class Credentials {
  readonly mark: string
  readonly accepted: Required<Accepted>
  /** What each function is told, which for a while may be older or newer than what is taken. */
  readonly #told: Required<Accepted>
  readonly #random: Random
  caller: string
  #callers: string[]

  constructor(seed: number) {
    this.#random = randomOf(seed, 'credentials')
    this.mark = `PROVE${this.#random.uuid().replaceAll('-', '').slice(0, 10)}`
    const names = [...rotating, 'unleash', 'approvals', 'signing'] as const
    this.accepted = Object.fromEntries(names.map((name) => [name, this.#value(name)])) as Required<Accepted>
    this.#told = { ...this.accepted }
    this.caller = this.#value('caller')
    this.#callers = [this.caller]
  }

  /** Every form in which the mark shows that one of them was written, or a part of one. */
  get marks(): string[] {
    const inBase64 = (before: string) => {
      // Of a mark in the middle only whole groups are the same whatever follows.
      const from = Math.ceil(Buffer.byteLength(before) / 3) * 4
      const whole = Buffer.from(`${before}${this.mark}`)
      const encoded = whole.toString('base64')
      return encoded.slice(from, Math.floor(whole.length / 3) * 4)
    }
    return [this.mark, inBase64(''), inBase64(`${demo.serviceNow.username}:`), inBase64('x'), inBase64('xx')]
  }

  /** A new one, which is told before it is taken, or after. */
  next(of: Rotating): { tell(): void; take(): void } {
    const value = this.#value(of)
    return {
      tell: () => {
        this.#told[of] = value
      },
      take: () => {
        this.accepted[of] = value
      },
    }
  }

  /** Adds a token for the caller, which then uses it; `forget` takes the older ones away. */
  nextCaller(): { add(): void; use(): void; forget(): void } {
    const value = this.#value('caller')
    return {
      add: () => this.#callers.push(value),
      use: () => {
        this.caller = value
      },
      forget: () => {
        this.#callers = this.#callers.slice(-1)
      },
    }
  }

  /**
   * What Secrets Manager holds now.
   *
   * @param url of the runtime
   * @param front the same behind TLS, and the authority that it is to be trusted for
   */
  secrets(url: string, front: { url: string; ca: string }): Record<string, unknown> {
    const prefix = settings.secretPrefix
    const told = this.#told
    const at = (path: string) => `${prefix}/connections/${path}`
    const tokens = this.#callers.map((token) => `sha256:${createHash('sha256').update(token).digest('hex')}`)
    const github = { provider: 'github', baseUrl: `${url}/sandbox/github`, token: told.github, project: 'demo/shop' }
    const unleash = {
      ...{ provider: 'unleash', baseUrl: `${url}/sandbox/unleash`, token: told.unleash },
      ...{ project: 'default', environment: 'production' },
    }
    const dynatrace = { baseUrl: `${url}/sandbox/dynatrace`, token: told.dynatrace }
    return {
      [`${prefix}/callers`]: { prover: { tokens, categories: ['*'], orchestrator: 'keptn' } },
      [`${prefix}/orchestrators/keptn`]: {
        type: 'keptn',
        baseUrl: `${front.url}/sandbox/keptn`,
        token: told.keptn,
        ca: front.ca,
      },
      [`${prefix}/approvals`]: { key: told.approvals },
      [at('issue-ticketing/default')]: github,
      [at('issue-ticketing/tls')]: { ...github, baseUrl: `${front.url}/sandbox/github`, ca: front.ca },
      [at('incident-management/default')]: {
        ...{ provider: 'servicenow', baseUrl: `${url}/sandbox/servicenow` },
        ...{ username: demo.serviceNow.username, password: told.servicenow },
      },
      [at('feature-flags/default')]: unleash,
      [at('ci-cd/default')]: { ...github, provider: 'github-actions', target: 'deploy.yml', keyInput: 'key' },
      [at('notification/default')]: {
        ...{ provider: 'slack', baseUrl: `${url}/sandbox/slack`, token: told.slack },
        ...{ signingSecret: told.signing, channel: 'C0RELEASES' },
      },
      [at('slo/default')]: { provider: 'dynatrace', ...dynatrace, dataDelay: 0 },
      [at('slo/events')]: {
        ...{ provider: 'dynatrace-event', ...dynatrace },
        entitySelector: 'type(SERVICE),entityName.equals("$SERVICE")',
      },
      [at('optimization/default')]: {
        ...{ provider: 'databricks', baseUrl: `${url}/sandbox/databricks`, token: told.databricks, target: '101' },
      },
      [at('remediation/default')]: {
        ...{ provider: 'rundeck', baseUrl: `${url}/sandbox/rundeck`, token: told.rundeck, project: 'shop' },
        keyOption: 'key',
        actions: { 'toggle-feature': { action: 'toggle-flag', connection: 'flags' } },
      },
      [at('remediation/flags')]: unleash,
    }
  }

  /** What JSON, a URL and a header each write in their own way is in it. */
  #value(of: string): string {
    return `${this.mark}-${of}-${this.#random.uuid().slice(0, 8)}/+="x"`
  }
}

/** Makes the sandbox take these, in the process that plays it. */
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
