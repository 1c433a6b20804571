import { TemplateError } from './errors.ts'
import { describe, type Token } from './lexer.ts'

/** Reads tokens for the parser and creates the error messages of Go. */
export class TokenReader {
  private readonly tokens: readonly Token[]
  protected at = 0
  /** Line of the current action; 0 outside of actions. */
  protected actionLine = 0
  private furthest = 0

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens
  }

  protected peek(): Token {
    const at = Math.min(this.at, this.tokens.length - 1)
    this.furthest = Math.max(this.furthest, at)
    return this.tokens[at] as Token
  }

  protected next(): Token {
    const token = this.peek()
    this.at += 1
    return token
  }

  protected peekNonSpace(): Token {
    while (this.peek().type === 'space') this.at += 1
    return this.peek()
  }

  protected nextNonSpace(): Token {
    this.peekNonSpace()
    return this.next()
  }

  protected fail(text: string): never {
    throw new TemplateError(`template: :${this.tokens[this.furthest]?.line ?? 1}: ${text}`)
  }

  protected unexpected(token: Token, context: string): never {
    if (token.type !== 'error') this.fail(`unexpected ${describe(token)} in ${context}`)
    const elsewhere = this.actionLine !== 0 && this.actionLine !== token.line
    const start = token.value.endsWith(' action') ? ' started at' : ' in action started at'
    this.fail(elsewhere ? `${token.value}${start} :${this.actionLine}` : token.value)
  }

  protected isKeyword(token: Token, word: string): boolean {
    return token.type === 'keyword' && token.value === word
  }

  protected expectClose(context: string): void {
    const token = this.nextNonSpace()
    if (token.type !== 'rightDelim') this.unexpected(token, context)
  }
}
