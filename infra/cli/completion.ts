import type { Argument, Command } from 'commander'
import { categories } from '../project/categories.ts'
import { listActions } from '../project/find-by-name.ts'

/** A word that can follow a command, or an option of it. */
interface Candidate {
  word: string
  description: string
}

/** The words that can follow a command. */
export interface CommandWords {
  /** With the commands before it: `token create`. Empty for the program. */
  command: string
  subcommands: Candidate[]
  options: Candidate[]
  /** The first argument: names of actions or the start of names of connections. */
  values: string[]
  /** The values of options: `--state` -> `running`. */
  optionValues: Record<string, string[]>
}

/** Returns the words that can follow each command. */
export function completionWords(program: Command): CommandWords[] {
  return wordsOf(program, '')
}

function wordsOf(command: Command, path: string): CommandWords[] {
  const subcommands = command.commands.filter((command) => command.name() !== 'help')
  const options = command.options.filter(({ long }) => long)
  const values = options.map(({ long = '', argChoices }) => [long, argChoices ?? optionValues[long] ?? []] as const)
  return [
    {
      command: path,
      subcommands: subcommands.map((subcommand) => ({
        word: subcommand.name(),
        description: subcommand.description(),
      })),
      options: [
        ...options.map(({ long = '', description }) => ({ word: long, description })),
        { word: '--help', description: 'display help for command' },
      ],
      values: valuesOf(command.registeredArguments[0]),
      optionValues: Object.fromEntries(values.filter(([, words]) => words.length > 0)),
    },
    ...subcommands.flatMap((subcommand) => wordsOf(subcommand as Command, `${path} ${subcommand.name()}`.trim())),
  ]
}

const categoryNames = categories.map(({ name }) => name)
const optionValues: Record<string, string[]> = {
  '--category': categoryNames,
  '--action': [...new Set(categories.flatMap((category) => listActions(category).map(({ name }) => name)))],
}

function valuesOf(argument: Argument | undefined): string[] {
  const name = argument?.name() ?? ''
  if (argument?.argChoices) return argument.argChoices
  if (name === 'category') return categoryNames
  if (name === 'category/action')
    return categories.flatMap((category) => listActions(category).map(({ name }) => `${category.name}/${name}`))
  return /^category\//.test(name) ? categoryNames.map((name) => `${name}/`) : []
}

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** Returns the script that completes `webhooks` in a shell. */
export function completionScript(shell: Shell, words: readonly CommandWords[]): string {
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](words)
}

function bashScript(words: readonly CommandWords[]): string {
  return `_webhooks() {
  local command="" word words="" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    ${commandCase(words)}
  done
  case "$command" in
${words.map((word) => `    ${quote(word.command)}) words=${quote(wordsAfter(word).join(' '))} ;;`).join('\n')}
  esac
  case "$command $previous" in
${optionCases(words, (found) => `words=${quote(found.join(' '))}`)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [[ "\${COMPREPLY[0]}" != */ ]] || compopt -o nospace
}
complete -o default -F _webhooks webhooks`
}

function zshScript(words: readonly CommandWords[]): string {
  return `#compdef webhooks
_webhooks() {
  local command="" word previous="\${words[CURRENT-1]}"
  local -a found
  for word in "\${(@)words[2,CURRENT-1]}"; do
    ${commandCase(words)}
  done
  case "$command" in
${words.map((word) => `    ${quote(word.command)}) found=(${wordsAfter(word).map(quote).join(' ')}) ;;`).join('\n')}
  esac
  case "$command $previous" in
${optionCases(words, (found) => `found=(${found.map(quote).join(' ')})`)}
  esac
  compadd -- $found || _files
}
compdef _webhooks webhooks`
}

function fishScript(words: readonly CommandWords[]): string {
  return words
    .flatMap(({ command, subcommands, options, values, optionValues }) => {
      const add = `complete -c webhooks -n ${quote(`__webhooks_is ${quote(command)}`)}`
      return [
        ...subcommands.map(({ word, description }) => `${add} -f -a ${word} -d ${quote(description)}`),
        ...(values.length > 0 ? [`${add} -f -a ${quote(values.join(' '))}`] : []),
        ...options.map(({ word, description }) => {
          const found = optionValues[word]
          const value = found ? ` -x -a ${quote(found.join(' '))}` : ''
          return `${add} -l ${word.slice(2)}${value} -d ${quote(description)}`
        }),
      ]
    })
    .toSpliced(
      0,
      0,
      `function __webhooks_is
  set -l command
  for word in (commandline -opc)[2..-1]
    switch "$command $word"
      case ${words
        .slice(1)
        .map(({ command }) => quote(command.includes(' ') ? command : ` ${command}`))
        .join(' ')}
        set command (string trim "$command $word")
    end
  end
  test "$command" = $argv[1]
end`,
    )
    .join('\n')
}

/** Sets the command from the words before the cursor. */
function commandCase(words: readonly CommandWords[]): string {
  const known = words.slice(1).map(({ command }) => quote(command.includes(' ') ? command : ` ${command}`))
  return `case "$command $word" in ${known.join('|')}) command="\${command:+$command }$word" ;; esac`
}

function optionCases(words: readonly CommandWords[], set: (values: string[]) => string): string {
  return words
    .flatMap(({ command, optionValues }) =>
      Object.entries(optionValues).map(([option, values]) => `    ${quote(`${command} ${option}`)}) ${set(values)} ;;`),
    )
    .join('\n')
}

function wordsAfter({ subcommands, options, values }: CommandWords): string[] {
  return [...subcommands.map(({ word }) => word), ...values, ...options.map(({ word }) => word)]
}

/** Quotes a text for the three shells. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
