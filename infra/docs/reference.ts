import { categories } from '../../functions/index.ts'
import { failureKinds } from '../../shared/errors.ts'
import type { Category } from '../../shared/providers/category.ts'
import type { Provider } from '../../shared/providers/provider.ts'
import { type Field, fieldsOf } from '../cli/schema-fields.ts'
import { queryParameters } from '../openapi/parameters.ts'
import { cell, table } from './table.ts'

const head = `# Reference

Made by \`npm run docs\` of the schemas that check each call and each connection; \`npm run check\` fails where it is not fresh. What the
actions promise, and how platforms behave, is said in the README of each category. The same as a document for programs: [openapi.json](openapi.json).
`

/** Every option, action, input, connection field and error, as they are in the code. */
export async function reference(): Promise<string> {
  const all: readonly Category[] = categories
  const parts = await Promise.all(all.map(ofCategory))
  return [head, options(), errors(), ...parts].join('\n')
}

function options(): string {
  const rows = Object.values(queryParameters).map(({ name, description, schema }) => {
    const { default: fallback } = schema
    return [`\`${name}\``, description, fallback === undefined ? '' : `\`${fallback}\``]
  })
  return `## Query parameters of a call\n\n${table(['name', 'what', 'default'], rows)}`
}

function errors(): string {
  const rows = Object.entries(failureKinds).map(([kind, { status, title, transient }]) => [
    `\`${kind}\``,
    String(status),
    title,
    transient ? 'yes' : '',
  ])
  const what =
    'Each is answered as problem+json; the log names the kind as `failure`. In a task what may go away is waited out.'
  return `## Errors\n\n${what}\n\n${table(['kind', 'status', 'title', 'may go away by itself'], rows)}`
}

async function ofCategory({ name, summary, actions, actionMapping, providers }: Category): Promise<string> {
  const chosen = actionMapping ? [[`\`${actionMapping.name}\``, actionMapping.summary, '', '']] : []
  const rows = Object.entries(actions).map(([action, { summary, deadline, kind: shape }]) => [
    `\`${action}\``,
    summary,
    inWords(deadline),
    shape,
  ])
  const inputs = Object.entries(actions).map(
    ([action, { input }]) => `### Input of \`${name}/${action}\`\n\n${fieldTable(fieldsOf(input))}`,
  )
  const connections = await Promise.all(
    Object.entries(providers).map(async ([provider, load]) => connectionOf(name, provider, await load())),
  )
  const head = `## ${name}\n\n${summary}. [README](../functions/${name}/README.md)\n`
  return [head, table(['action', 'what', 'deadline', 'shape'], [...chosen, ...rows]), ...inputs, ...connections].join(
    '\n',
  )
}

function connectionOf(category: string, name: string, provider: Provider): string {
  const { title, kind, connection } = provider
  const where = `\`{"provider":"${name}", ..}\` in \`connections/${category}/<name>\``
  return `### Connection of \`${category}\` to \`${name}\`\n\n${title} (${kind}): ${where}\n\n${fieldTable(fieldsOf(connection))}`
}

function fieldTable(fields: Field[]): string {
  const rows = fields.map(({ name, description, choices, fallback, required, secret }) => [
    `\`${name}\``,
    [description, choices && `(${choices.join(', ')})`].filter(Boolean).join(' '),
    required ? 'required' : cell(fallback === undefined ? '' : `\`${fallback}\``),
    secret ? 'secret' : '',
  ])
  return fields.length > 0 ? table(['field', 'what', 'default', ''], rows) : 'It has no fields.\n'
}

function inWords(seconds: number): string {
  return seconds % 86_400 === 0 ? `${seconds / 86_400} d` : `${seconds / 3_600} h`
}
