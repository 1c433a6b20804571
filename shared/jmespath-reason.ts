/**
 * Returns why a JMESPath expression cannot be evaluated. The message of the library quotes the expression and its tokens, which
 * may contain a credential.
 */
export function jmespathReason({ message, expression }: { message: string; expression?: string }): string {
  return message
    .replace(` in expression: ${expression}`, '')
    .replace(/^Invalid JMESPath expression: /i, '')
    .replace(/\b(unknown|unexpected) token ".*"/s, '$1 token')
}
