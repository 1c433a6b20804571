/** What Go's text/template would report: a template that cannot be parsed, or one that fails while it is executed. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'
}

/** What one of the template's functions reports; the evaluator adds where it was called. */
export class CallError extends Error {
  override readonly name = 'CallError'
}
