/** Error of Go's text/template: the template cannot be parsed, or its execution fails. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'
}

/** Error of a template function. The evaluator adds the position of the call. */
export class CallError extends Error {
  override readonly name = 'CallError'
}
