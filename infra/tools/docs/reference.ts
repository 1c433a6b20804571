import { failureKinds } from '../../../shared/failure-kinds.ts'
import { actionNames, type Category, currentActions } from '../../../shared/providers/category.ts'
import type { Verdict } from '../../../shared/providers/job.ts'
import type { Provider } from '../../../shared/providers/provider.ts'
import { isRecord } from '../../../shared/record.ts'
import { queryParameters } from '../../openapi/parameters.ts'
import { categories } from '../../project/categories.ts'
import { cell, markdownTable } from '../../project/markdown-table.ts'
import { type Field, fieldsOf } from '../../project/schema-fields.ts'
import { githubSlug } from '../release/site/links.ts'
import { onceSection } from './once.ts'

const head = `# Reference

\`npm run docs\` generates this page, and one for each category, from the schemas of calls and connections. The README of each category
describes the actions and the platforms. \`npx webhooks openapi\` prints the machine-readable version.

Every connection may also have \`ca\`: the PEM of a private certificate authority to trust in addition to the public ones. A run in a state
that is not listed is still running, unless the README says otherwise.
`

/** A heading on the page of a category. */
interface Place {
  category: string
  heading: string
}

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

/** Returns docs/reference.md, with options and errors, and a page for each category: its actions, inputs and connection fields. */
export async function reference(): Promise<Record<string, string>> {
  const all: readonly Category[] = categories
  const firstPlaces = new Map<string, Place>()
  const pages: [string, string][] = []
  for (const category of all)
    pages.push([`docs/reference/${category.name}.md`, await categoryPage(category, firstPlaces)])
  return {
    'docs/reference.md': [head, index(all), effects, options(), errors()].join('\n'),
    ...Object.fromEntries(pages),
  }
}

function index(all: readonly Category[]): string {
  const listed = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(', ')
  const rows = all.map((category) => [
    `[${category.name}](reference/${category.name}.md)`,
    listed(actionNames(category)),
    listed(Object.keys(category.providers)),
  ])
  return `## Categories\n\n${markdownTable(['Page', 'Actions', 'Connections to'], rows)}`
}

const effects = `## Effects of actions

Rules of a [policy](policy.md) and agents see the effect of an action at the platform. The page of a category has that of each action.

| Effect | Meaning |
| --- | --- |
| \`reads\` | changes nothing. \`slo/request-evaluation\` reads, even if the platform stores the evaluation |
| \`reversible\` | a later call, or a person at the platform, can undo it: flags are set back and tickets are closed. Messages, questions of \`notification/ask-approval\` and reports are deleted or corrected |
| \`irreversible\` | nothing can undo it, or it is not known. Jobs can do anything: deployments, runbooks, and each \`start-test\`, whose load or fault has reached its target. A stopped job cannot be continued |

At a platform whose messages cannot be deleted, such as e-mail, the actions that write are \`irreversible\`: the section of its connection says so.
`

function options(): string {
  const rows = Object.values(queryParameters).map(({ name, description, schema }) => {
    const { default: fallback } = schema
    return [`\`${name}\``, description, fallback === undefined ? '' : `\`${fallback}\``]
  })
  return `## Query parameters of a call\n\n${markdownTable(['Name', 'Description', 'Default'], rows)}`
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
  return `## Errors\n\n${text}\n\n${markdownTable(['Kind', 'Status', 'Title', 'Transient'], rows)}`
}

/** @param firstPlaces by a text with fields, the heading that it is below. Gets those of this category */
async function categoryPage(category: Category, firstPlaces: Map<string, Place>): Promise<string> {
  const { name, summary, actionMapping, providers } = category
  const actions = currentActions(category)
  const mapped = actionMapping ? [[`\`${actionMapping.name}\``, actionMapping.summary, '', '', '']] : []
  const rows = actions.map(([action, { summary, effect, deadline, kind }]) => [
    `\`${action}\``,
    summary,
    effect,
    formatDeadline(deadline),
    kind,
  ])
  const inputs = actions.map(([action, { input }]) => {
    const place = { category: name, heading: `Input of \`${name}/${action}\`` }
    return `## ${place.heading}\n\n${firstOrLink(place, fieldTable(fieldsOf(input)), 'fields', firstPlaces)}`
  })
  const connections = await Promise.all(
    Object.entries(providers).map(async ([provider, load]) => [provider, await load()] as const),
  )
  return [
    `# ${name} reference\n`,
    `${summary}. [README](../../functions/${name}/README.md), [parameters and errors of all categories](../reference.md)\n`,
    markdownTable(['Action', 'Description', 'Effect', 'Default deadline', 'Provider kind'], [...mapped, ...rows]),
    await onceSection(category),
    ...inputs,
    ...connections.map(([provider, loaded]) => connectionOf(name, provider, loaded, firstPlaces)),
  ].join('\n')
}

function connectionOf(category: string, name: string, provider: Provider, firstPlaces: Map<string, Place>): string {
  const { title, kind, connection } = provider
  const place = { category, heading: `Connection of \`${category}\` to \`${name}\`` }
  const fields = fieldsOf(connection)
  const secret = `\`${sampleOf(name, fields)}\` in \`connections/${category}/<name>\``
  const states = statesOf(provider)
  const contents = states === '' ? 'fields' : 'fields and states'
  const all = `${fieldTable(fields)}${states}`
  const link = firstOrLink(place, all, contents, firstPlaces)
  const text = link === all ? `${ownFields(place, fields, firstPlaces)}${states}` : link
  const effect = provider.effect === undefined ? '' : `. Actions that write are ${provider.effect}`
  return `## ${place.heading}\n\n${title} (${kind}): ${secret}${effect}\n\n${text}`
}

/** Vendors and kinds share fields: returns a table of the others, and a link for each group that the reference has already. */
function ownFields(here: Place, fields: Field[], firstPlaces: Map<string, Place>): string {
  const placeOf = (field: Field) => firstPlaces.get(fieldTable([field])) ?? here
  const groups = Map.groupBy(fields, placeOf)
  const linked = [...groups].filter(([place, shared]) => place !== here && shared.length >= MIN_LINKED)
  const places = new Set(linked.map(([place]) => place))
  const own = fields.filter((field) => !places.has(placeOf(field)))
  const links = linked.map(([place, shared]) => {
    const names = shared.map(({ name }) => `\`${name}\``)
    return `${names.slice(0, -1).join(', ')} and ${names.at(-1)} are those of the ${linkTo(place, here)}.\n`
  })
  for (const field of own) firstPlaces.set(fieldTable([field]), placeOf(field))
  const table = own.length > 0 || links.length === 0 ? [fieldTable(own)] : []
  return [...table, ...links].join('\n')
}

/** Actions share inputs, and categories share platforms: returns a link if the reference has the text already. */
function firstOrLink(here: Place, text: string, contents: string, firstPlaces: Map<string, Place>): string {
  const first = firstPlaces.get(text)
  if (first !== undefined) return `The ${contents} are those of the ${linkTo(first, here)}.\n`
  firstPlaces.set(text, here)
  return text
}

/** Returns a connection with the fields that every connection needs. */
export function sampleOf(provider: string, fields: Field[]): string {
  const required = fields.filter((field) => field.required)
  const pairs = required.map(({ name, json }) => `"${name}": ${json ? '{..}' : '".."'}`)
  return `{ ${[`"provider": "${provider}"`, ...pairs].join(', ')} }`
}

/** Returns the states of a platform's runs by the outcome of a task. */
export function statesOf(provider: Provider): string {
  const states = 'states' in provider && isRecord(provider.states) ? Object.entries(provider.states) : []
  const outcomes = Object.entries(ends).flatMap(([verdict, end]) => {
    const names = states.filter(([, own]) => own === verdict).map(([state]) => `\`${state}\``)
    return names.length === 0 ? [] : [`${end}: ${names.join(', ')}`]
  })
  return outcomes.length === 0 ? '' : `\n**States**: ${outcomes.join('; ')}\n`
}

function linkTo({ category, heading }: Place, from: Place): string {
  const page = category === from.category ? '' : `${category}.md`
  return `[${heading[0]?.toLowerCase()}${heading.slice(1)}](${page}#${githubSlug(heading)})`
}

/** Returns a table of the fields of a connection or an input. */
export function fieldTable(fields: Field[]): string {
  const rows = fields.map(({ name, description, choices, fallback, required, secret }) => [
    `\`${name}\``,
    [description, choices && `(${choices.join(', ')})`].filter(Boolean).join(' '),
    required ? 'required' : cell(fallback === undefined ? '' : `\`${fallback}\``),
    secret ? 'secret' : '',
  ])
  return fields.length > 0 ? markdownTable(['Field', 'Description', 'Default', ''], rows) : 'No fields.\n'
}

function formatDeadline(seconds: number): string {
  return seconds % 86_400 === 0 ? `${seconds / 86_400} d` : `${seconds / 3_600} h`
}
