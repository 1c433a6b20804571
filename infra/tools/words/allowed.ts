interface Allowed {
  files: RegExp
  /** The words as they are found, in lower case. */
  words: readonly string[]
  reason: string
}

/** Banned words that are right in some files. */
export const allowed: readonly Allowed[] = [
  {
    files: /^(?:docs\/reference\.md|infra\/tools\/docs\/|infra\/cli\/help)/,
    words: ['reference'],
    reason: 'A reference in the sense of documentation.',
  },
  { files: /rundeck|pagerduty|servicenow/, words: ['reference', 'references'], reason: 'Terms of these platforms.' },
  { files: /release\/api/, words: ['canonical reference'], reason: 'A property of API Extractor.' },
  { files: /openapi/, words: ['references'], reason: 'JSON references ($ref).' },
  {
    files: /databricks|optimization|sagemaker|sequences/,
    words: ['trial', 'trials'],
    reason: 'Trials of a hyperparameter tuning.',
  },
  { files: /unknown-action/, words: ['begin'], reason: 'A word that callers write instead of the name of an action.' },
  { files: /security\/hosts/, words: ['shape'], reason: 'The fields of a zod schema.' },
  { files: /locust/, words: ['shape', 'shapes'], reason: 'A LoadTestShape of Locust.' },
  { files: /locust/, words: ['where it is not'], reason: "Python's message about an unbound variable." },
  {
    files: /(?:cli|vendors|subjects)\/http\b|cli\/try\.test/,
    words: ['look'],
    reason: 'The name of a request in a connection to an HTTP API.',
  },
  { files: /infra\/cli\//, words: ['follow'], reason: 'The option --follow.' },
  {
    files: /(?:\b|-)adf\./,
    words: ['mark', 'adf mark', 'with mark', 'same mark'],
    reason: 'Marks of the Atlassian Document Format.',
  },
  { files: /shared\/validate\.ts/, words: ['shape'], reason: 'A property of zod schemas.' },
  { files: /chaos-mesh|akamas/, words: ['can not'], reason: 'Messages of these platforms.' },
  { files: /discord/, words: ['message reference'], reason: 'A field of a message.' },
  { files: /\bawx\b/, words: ['play'], reason: 'A play of an Ansible playbook.' },
  { files: /ntfy/, words: ['click'], reason: 'A field of a message.' },
  { files: /dynatrace-event/, words: ['left out'], reason: 'A property of the events that are sent to Dynatrace.' },
]
