import { failureKinds } from '../../../shared/failure-kinds.ts'
import { type Category, currentActions } from '../../../shared/providers/category.ts'
import type { Verdict } from '../../../shared/providers/job.ts'
import type { Provider } from '../../../shared/providers/provider.ts'
import { isRecord } from '../../../shared/record.ts'
import { type Field, fieldsOf } from '../../cli/schema-fields.ts'
import { queryParameters } from '../openapi/parameters.ts'
import { categories } from '../project/categories.ts'
import { cell, table } from './table.ts'

const head = `# Reference

\`npm run docs\` generates this page from the schemas of calls and connections. The README of each category describes the actions and the
platforms. \`npx webhooks openapi\` prints the machine-readable version.

Every connection may also have \`ca\`: the PEM of a private certificate authority to trust in addition to the public ones. A run in a state
that is not listed is still running, unless the README says otherwise.
`

/** From this number on, fields that an earlier connection has are linked. */
const MIN_LINKED = 4

/** Status and result of a task whose run ends in a state with this verdict. */
const ends: Record<Verdict, string> = {
  running: 'running',
  pass: 'succeeded, pass',
  warning: 'succeeded, warning',
  fail: 'succeeded, fail',
  aborted: 'aborted, fail',
  errored: 'errored, fail',
}

/** Returns docs/reference.md: all options, actions, inputs, connection fields and errors. */
export async function reference(): Promise<string> {
  const all: readonly Category[] = categories
  const firstPlaces = new Map<string, string>()
  const parts: string[] = []
  for (const category of all) parts.push(await ofCategory(category, firstPlaces))
  return [head, options(), errors(), ...parts].join('\n')
}

function options(): string {
  const rows = Object.values(queryParameters).map(({ name, description, schema }) => {
    const { default: fallback } = schema
    return [`\`${name}\``, description, fallback === undefined ? '' : `\`${fallback}\``]
  })
  return `## Query parameters of a call\n\n${table(['Name', 'Description', 'Default'], rows)}`
}

function errors(): string {
  const rows = Object.entries(failureKinds).map(([kind, { status, title, transient }]) => [
    `\`${kind}\``,
    String(status),
    title,
    transient ? 'yes' : '',
  ])
  const text =
    'Responses are problem+json. The log contains the kind as `failure`. A task retries transient errors until its deadline.'
  return `## Errors\n\n${text}\n\n${table(['Kind', 'Status', 'Title', 'Transient'], rows)}`
}

/** @param firstPlaces by a text with fields, the heading that it is below. Gets those of this category */
async function ofCategory(category: Category, firstPlaces: Map<string, string>): Promise<string> {
  const { name, summary, actionMapping, providers } = category
  const actions = currentActions(category)
  const mapped = actionMapping ? [[`\`${actionMapping.name}\``, actionMapping.summary, '', '']] : []
  const rows = actions.map(([action, { summary, deadline, kind }]) => [
    `\`${action}\``,
    summary,
    formatDeadline(deadline),
    kind,
  ])
  const inputs = actions.map(([action, { input }]) => {
    const heading = `Input of \`${name}/${action}\``
    return `### ${heading}\n\n${firstOrLink(heading, fieldTable(fieldsOf(input)), 'fields', firstPlaces)}`
  })
  const connections = await Promise.all(
    Object.entries(providers).map(async ([provider, load]) => [provider, await load()] as const),
  )
  const head = `## ${name}\n\n${summary}. [README](../functions/${name}/README.md)\n`
  return [
    head,
    table(['Action', 'Description', 'Default deadline', 'Provider kind'], [...mapped, ...rows]),
    ...inputs,
    ...connections.map(([provider, loaded]) => connectionOf(name, provider, loaded, firstPlaces)),
  ].join('\n')
}

function connectionOf(category: string, name: string, provider: Provider, firstPlaces: Map<string, string>): string {
  const { title, kind, connection } = provider
  const heading = `Connection of \`${category}\` to \`${name}\``
  const fields = fieldsOf(connection)
  const secret = `\`${sampleOf(name, fields)}\` in \`connections/${category}/<name>\``
  const states = statesOf(provider)
  const contents = states === '' ? 'fields' : 'fields and states'
  const all = `${fieldTable(fields)}${states}`
  const link = firstOrLink(heading, all, contents, firstPlaces)
  const text = link === all ? `${ownFields(heading, fields, firstPlaces)}${states}` : link
  return `### ${heading}\n\n${title} (${kind}): ${secret}\n\n${text}`
}

/** Vendors and kinds share fields: returns a table of the others, and a link for each group that is on the page already. */
function ownFields(heading: string, fields: Field[], firstPlaces: Map<string, string>): string {
  const placeOf = (field: Field) => firstPlaces.get(fieldTable([field])) ?? heading
  const groups = Map.groupBy(fields, placeOf)
  const linked = [...groups].filter(([place, shared]) => place !== heading && shared.length >= MIN_LINKED)
  const places = new Set(linked.map(([place]) => place))
  const own = fields.filter((field) => !places.has(placeOf(field)))
  const links = linked.map(([place, shared]) => {
    const names = shared.map(({ name }) => `\`${name}\``)
    return `${names.slice(0, -1).join(', ')} and ${names.at(-1)} are those of the ${linkTo(place)}.\n`
  })
  for (const field of own) firstPlaces.set(fieldTable([field]), placeOf(field))
  const table = own.length > 0 || links.length === 0 ? [fieldTable(own)] : []
  return [...table, ...links].join('\n')
}

/** Actions share inputs, and categories share platforms: returns a link if the text is on the page already. */
function firstOrLink(heading: string, text: string, contents: string, firstPlaces: Map<string, string>): string {
  const first = firstPlaces.get(text)
  if (first !== undefined) return `The ${contents} are those of the ${linkTo(first)}.\n`
  firstPlaces.set(text, heading)
  return text
}

/** Returns a connection with the fields that every connection needs. */
function sampleOf(provider: string, fields: Field[]): string {
  const required = fields.filter((field) => field.required)
  const pairs = required.map(({ name, json }) => `"${name}": ${json ? '{..}' : '".."'}`)
  return `{ ${[`"provider": "${provider}"`, ...pairs].join(', ')} }`
}

/** Returns the states of a platform's runs by the outcome of a task. */
function statesOf(provider: Provider): string {
  const states = 'states' in provider && isRecord(provider.states) ? Object.entries(provider.states) : []
  const outcomes = Object.entries(ends).flatMap(([verdict, end]) => {
    const names = states.filter(([, own]) => own === verdict).map(([state]) => `\`${state}\``)
    return names.length === 0 ? [] : [`${end}: ${names.join(', ')}`]
  })
  return outcomes.length === 0 ? '' : `\n**States**: ${outcomes.join('; ')}\n`
}

/** Links to a heading of this page, as GitHub names it. */
function linkTo(heading: string): string {
  const anchor = heading
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-')
  return `[${heading[0]?.toLowerCase()}${heading.slice(1)}](#${anchor})`
}

function fieldTable(fields: Field[]): string {
  const rows = fields.map(({ name, description, choices, fallback, required, secret }) => [
    `\`${name}\``,
    [description, choices && `(${choices.join(', ')})`].filter(Boolean).join(' '),
    required ? 'required' : cell(fallback === undefined ? '' : `\`${fallback}\``),
    secret ? 'secret' : '',
  ])
  return fields.length > 0 ? table(['Field', 'Description', 'Default', ''], rows) : 'No fields.\n'
}

function formatDeadline(seconds: number): string {
  return seconds % 86_400 === 0 ? `${seconds / 86_400} d` : `${seconds / 3_600} h`
}
