const form =
  'Send a form body with each value through urlquery, such as input.title={{urlquery .data.incident.ProblemTitle}}, with the ' +
  'header Content-Type: application/x-www-form-urlencoded: no value can break that.'

const hints: [RegExp, string][] = [
  [
    /character ' &'/,
    'A space before & is refused: join the parts of the form body without spaces, and put each value through urlquery.',
  ],
  [
    /character '>'/,
    `A value holds >, or an absent one was printed as <no value>: put optional values inside {{with index .data "name"}}...{{end}}. ${form}`,
  ],
  [/denied character|could not parse curl command/, form],
  [
    /map has no entry|nil data|nil pointer/,
    'The event has no such field: put it inside {{with index .data "name"}}...{{end}}, or give a secret with --env.',
  ],
  [/bad character U\+002D/, 'A name with a dash needs index: {{(index .data "my-task").field}}.'],
  [/invalid option/, 'webhook-service takes no option that reads or writes files, nor a multipart form.'],
  [/file uploads/, 'A payload must not begin with @.'],
  [/denied URL/, 'Use the public URL of the API: webhook-service calls nothing inside its own cluster.'],
  [
    /in host name|invalid port/,
    'Write host and port as plain text: Keptn parses the URL before the template runs. Path and query may be templates.',
  ],
  [
    /first path segment|missing protocol scheme|no such host/,
    'Begin the URL with https://, without a space before it.',
  ],
  [/invalid URL escape/, 'Write a percent sign in the URL as %25.'],
  [/control character in URL/, 'Write the URL on one line, without tabs.'],
  [
    /argument list too long/,
    'An argument of curl is at most 131,071 bytes, and urlquery makes up to nine bytes of one character: send less.',
  ],
  [/only curl/, 'A v1alpha1 request must begin with curl.'],
  [/%!/, 'A percent sign in the payload is read as a format: put the text through urlquery, or leave the sign out.'],
  [
    /function "|unexpected |unclosed|unterminated|bad character/,
    "The template cannot be read: Go's own functions only (index, with, if, range, urlquery, js, print), and no percent sign in a payload.",
  ],
]

/** What to write instead of what webhook-service refused (protocol section 1); empty where there is nothing to say. */
export const explain = (refused: string): string => hints.find(([pattern]) => pattern.test(refused))?.[1] ?? ''
