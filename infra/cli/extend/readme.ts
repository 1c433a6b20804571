import type { Category } from '../../../shared/providers/category.ts'
import { cell, table } from '../../docs/table.ts'
import { toolConnections } from '../../local/tool-connections.ts'
import { inputFields, type ToolExample, toolExamples } from '../../local/tool-examples.ts'
import { webhookYaml } from '../config/entry.ts'
import { fieldsOf } from '../schema-fields.ts'
import { shapes, type TemplateShape } from './shapes.ts'

const url = 'https://webhooks.example.com'
const event = ['id', 'type', 'shkeptncontext', 'data.project', 'data.stage', 'data.service']
const context = event.map((field) => `${field}={{urlquery .${field}}}`).join('&')

/** The README of a new category: what its actions take and answer, and a webhook for each that works as it stands. */
export function readmeOf(category: Category, shape: TemplateShape): string {
  const { name, summary, actions } = category
  const { ends } = shapes[shape]
  const rows = Object.entries(actions).map(([action, { summary, deadline, outputs: answers }]) => [
    ...[`\`${action}\``, summary, `${deadline / 3_600} h`],
    answers.map((field) => `\`${field}\``).join(', '),
  ])
  return [
    `# ${name}\n\n${summary}, at the platforms [below](#connections) and at [any API](../../docs/http.md).\n`,
    table(['action', 'what it does', 'deadline unless set', 'answers in `data`'], rows),
    `## Input\n\n${inputTable(category)}`,
    `## Webhooks\n
The values go through \`urlquery\` into a form body, the one payload that no value can break. \`webhooks config\` makes one that carries
the properties of a task.\n`,
    ...Object.keys(actions).flatMap((action) => examplesOf(category, action)),
    `## How it ends\n\n${table(['what happens', 'status, result'], ends)}`,
    connections(name, shape),
  ].join('\n')
}

/** Every field once, with the actions that take it. */
function inputTable({ actions }: Category): string {
  const names = Object.keys(actions)
  const all = names.map((action) => fieldsOf(actions[action]?.input as never))
  const fields = [...new Map(all.flat().map((field) => [field.name, field])).values()]
  const rows = fields.map(({ name, description }) => [
    `\`${name}\``,
    ...all.map((own) => {
      const field = own.find((one) => one.name === name)
      return field ? (field.required ? 'required' : 'x') : ''
    }),
    cell(description),
  ])
  return table(['field', ...names, 'what'], rows)
}

function examplesOf(category: Category, name: string): string[] {
  const example = toolExamples[name]
  const action = category.actions[name]
  if (!example || !action) throw new Error(`There is no example of ${name}.`)
  const { task } = example
  return (['interactive', 'silent'] as const).map((mode) => {
    const subscription = {
      action: { category, name, action, summary: '' },
      task,
      suffix: 'triggered',
      mode,
      url,
    } as const
    const how = { interactive: `\`${task}.finished\` comes from us`, silent: 'done when it is answered' }[mode]
    return `\`${name}\`, **${mode}**: ${how}.\n\n\`\`\`yaml\n${webhookYaml(subscription, payloadOf(example))}\`\`\`\n`
  })
}

/** What an earlier task has made is in the event, by the name of that task. */
function payloadOf(example: ToolExample): string {
  const earlier = toolExamples[example.about ?? '']
  return [
    context,
    ...(earlier ? [`input.id={{urlquery .data.${earlier.task}.id}}`] : []),
    ...inputFields(example).map(([name, value]) => `input.${name}=${encoded(value)}`),
  ].join('&')
}

function encoded(value: string): string {
  return /^[\w.,-]+$/.test(value) ? value : `{{urlquery \`${value}\`}}`
}

function connections(category: string, shape: TemplateShape): string {
  const example = {
    provider: 'http',
    baseUrl: 'https://tool.example.com/api',
    token: '<token>',
    ...toolConnections[shape],
  }
  return `## Connections

The secret \`cloud-automation-webhooks/connections/${category}/<name>\`; \`default\` is used where a call names none. After \`npm start\`
it leads to [somebody's own tool](../../docs/http.md), which the sandbox plays.

\`\`\`json
${JSON.stringify(example, null, 2)}
\`\`\`
`
}
