/** Describes how a sender signs its requests. */
export interface SignatureScheme {
  /** The header with the signature, in lower case. */
  header: string
  /** Separates several signatures in the header, and the pairs such as `t=1785000000`. */
  separator?: string
  /** The text before each signature, with its version: `v1=`. Signatures of other versions are ignored. */
  prefix?: string
  algorithm?: 'sha1' | 'sha256' | 'sha512'
  encoding?: 'hex' | 'base64'
  /** How keys are written. Defaults to UTF-8. */
  key?: { prefix: string; encoding: 'utf8' | 'base64' | 'hex' }
  /**
   * The signed text. `{body}` stands for the bytes of the body, `{header:x}` for the header x, `{pair:t}` for the value after
   * `t=` in the header of the signature. Defaults to `{body}`.
   */
  text?: string
  /** The place of the time in the signed text, in epoch seconds or milliseconds. `body` names a field of the JSON. */
  time?: { header: string } | { pair: string } | { body: string }
  /** How far that time may differ from the clock of the function, in both directions. */
  toleranceSeconds?: number
}

/** Returns the names of the headers that a signature covers. */
export function headersCoveredBy({ text = '' }: SignatureScheme): string[] {
  return [...text.matchAll(/\{header:([^{}]+)\}/g)].map(([, name = '']) => name)
}

const FIVE_MINUTES = 300
/** Jira repeats a failed delivery for about an hour, with the time of the first attempt. */
const ONE_DAY = 86_400

/** Keys of Standard Webhooks are written as `whsec_` and base64. */
const whsec = { prefix: 'whsec_', encoding: 'base64' } as const

/** @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
function standardWebhooks(vendor: string) {
  return {
    header: `${vendor}-signature`,
    separator: ' ',
    prefix: 'v1,',
    encoding: 'base64',
    key: whsec,
    text: `{header:${vendor}-id}.{header:${vendor}-timestamp}.{body}`,
    time: { header: `${vendor}-timestamp` },
    toleranceSeconds: FIVE_MINUTES,
  } as const
}

/**
 * The signature schemes of senders.
 *
 * Rundeck's digest is missing: it does not cover the body, so it proves no more than a token.
 */
export const signatureSchemes = {
  circleci: { header: 'circleci-signature', separator: ',', prefix: 'v1=' },
  firehydrant: { header: 'fh-signature' },
  gitea: { header: 'x-gitea-signature' },
  github: { header: 'x-hub-signature-256', prefix: 'sha256=' },
  grafana: { header: 'x-grafana-alerting-signature' },
  'grafana-with-timestamp': {
    header: 'x-grafana-alerting-signature',
    text: '{header:x-grafana-alerting-timestamp}:{body}',
    time: { header: 'x-grafana-alerting-timestamp' },
    toleranceSeconds: FIVE_MINUTES,
  },
  'hcp-terraform': { header: 'x-tfe-notification-signature', algorithm: 'sha512' },
  jira: {
    header: 'x-hub-signature',
    prefix: 'sha256=',
    time: { body: 'timestamp' },
    toleranceSeconds: ONE_DAY,
  },
  launchdarkly: { header: 'x-ld-signature' },
  linear: { header: 'linear-signature', time: { body: 'webhookTimestamp' }, toleranceSeconds: 60 },
  pagerduty: { header: 'x-pagerduty-signature', separator: ',', prefix: 'v1=' },
  port: {
    header: 'x-port-signature',
    prefix: 'v1,',
    encoding: 'base64',
    text: '{header:x-port-timestamp}.{body}',
    time: { header: 'x-port-timestamp' },
    toleranceSeconds: FIVE_MINUTES,
  },
  rootly: {
    header: 'x-rootly-signature',
    separator: ',',
    prefix: 'v1=',
    text: '{pair:t}{body}',
    time: { pair: 't' },
    toleranceSeconds: FIVE_MINUTES,
  },
  // The header with the time is not signed.
  sentry: { header: 'sentry-hook-signature' },
  slack: {
    header: 'x-slack-signature',
    prefix: 'v0=',
    text: 'v0:{header:x-slack-request-timestamp}:{body}',
    time: { header: 'x-slack-request-timestamp' },
    toleranceSeconds: FIVE_MINUTES,
  },
  'splunk-observability': { header: 'x-sfx-signature', algorithm: 'sha1', encoding: 'base64' },
  'standard-webhooks': standardWebhooks('webhook'),
  steadybit: { header: 'x-sb-signature', prefix: 'hmac-sha256 ' },
  /** Standard Webhooks with the header names of Svix. */
  svix: standardWebhooks('svix'),
} as const satisfies Record<string, SignatureScheme>

export type SchemeName = keyof typeof signatureSchemes
