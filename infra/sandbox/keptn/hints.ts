const form =
  'Send a form body with each value through urlquery, such as input.title={{urlquery .data.incident.ProblemTitle}}, with the ' +
  'header Content-Type: application/x-www-form-urlencoded. Then no value can break the request.'

const hints: [RegExp, string][] = [
  [
    /character ' &'/,
    'Keptn rejects a space before &. Join the parts of the form body without spaces, and pass each value through urlquery.',
  ],
  [
    /character '>'/,
    `A value contains >, or a missing value was printed as <no value>. Put optional values inside {{with index .data "name"}}...{{end}}. ${form}`,
  ],
  [/denied character|could not parse curl command/, form],
  [
    /map has no entry|nil data|nil pointer/,
    'The event does not have this field. Put it inside {{with index .data "name"}}{end}, or pass a secret with --env.',
  ],
  [
    /range can't iterate|can't index item|cannot index slice/,
    'A part of the event is a text, a number or a list, but the template needs an object. The payload of webhooks config leaves it out.',
  ],
  [/bad character U\+002D/, 'Use index for a name with a dash: {{(index .data "my-task").field}}.'],
  [/invalid option/, 'webhook-service rejects options that read or write files, and multipart forms.'],
  [/file uploads/, 'A payload must not start with @.'],
  [/denied URL/, 'Use the public URL of the API. webhook-service rejects URLs inside its cluster.'],
  [
    /in host name|invalid port/,
    'Write host and port as plain text, because Keptn parses the URL before it renders the template. Path and query can be templates.',
  ],
  [
    /first path segment|missing protocol scheme|no such host/,
    'Start the URL with https://, without a space before it.',
  ],
  [/invalid URL escape/, 'Write a percent sign in the URL as %25.'],
  [/control character in URL/, 'Write the URL on one line, without tabs.'],
  [
    /argument list too long/,
    'Send less data. A curl argument is limited to 131,071 bytes, and urlquery turns a character into up to nine bytes.',
  ],
  [/only curl/, 'A v1alpha1 request must start with curl.'],
  [
    /%!/,
    'A percent sign in the payload is interpreted as a format. Pass the text through urlquery, or remove the percent sign.',
  ],
  [
    /function "|unexpected |unclosed|unterminated|bad character/,
    "The template cannot be read: Go's own functions only (index, with, if, range, urlquery, js, print), and no percent sign in a payload.",
  ],
]

/** Suggests how to fix a request that webhook-service rejects; empty if there is no suggestion. */
export const explain = (refused: string): string => hints.find(([pattern]) => pattern.test(refused))?.[1] ?? ''
