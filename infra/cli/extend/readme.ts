import type { Category } from '../../../shared/providers/category.ts'
import { cell, markdownTable } from '../../project/markdown-table.ts'
import { fieldsOf } from '../../project/schema-fields.ts'
import { webhookYaml } from '../../sandbox/keptn/config/entry.ts'
import { genericApiConnections } from '../../sandbox/platforms/generic-api/connections.ts'
import {
  type GenericApiExample,
  genericApiExamples,
  inputFields,
} from '../../sandbox/platforms/generic-api/examples.ts'
import { kinds, type TemplateKind } from './kinds.ts'

const url = 'https://webhooks.example.com'
const event = ['id', 'type', 'shkeptncontext', 'data.project', 'data.stage', 'data.service']
const context = event.map((field) => `${field}={{urlquery .${field}}}`).join('&')

/** Returns the README of a new category: its actions, their input and outputs, and a working webhook for each. */
export function readmeOf(category: Category, kind: TemplateKind): string {
  const { name, summary, actions } = category
  const { ends } = kinds[kind]
  const rows = Object.entries(actions).map(([action, { summary, deadline, outputs: answers }]) => [
    `\`${action}\``,
    summary,
    `${deadline / 3_600} h`,
    answers.map((field) => `\`${field}\``).join(', '),
  ])
  return [
    `# ${name}\n\n${summary}, at the platforms [below](#connections) and at [any API](../../docs/http.md).\n`,
    markdownTable(['Action', 'Description', 'Default deadline', 'Fields of `data`'], rows),
    `## Input\n\n${inputTable(category)}`,
    `## Webhooks\n
The payloads are forms with \`urlquery\`, which no value can break. \`webhooks config\` prints a payload with the properties of a task.\n`,
    ...Object.keys(actions).flatMap((action) => examplesOf(category, action)),
    `## Outcomes\n\n${markdownTable(['The item', 'Status and result'], ends)}`,
    connections(name, kind),
  ].join('\n')
}

/** Lists every field with the actions that support it. */
function inputTable({ actions }: Category): string {
  const names = Object.keys(actions)
  const all = names.map((action) => fieldsOf(actions[action]?.input as never))
  const fields = [...new Map(all.flat().map((field) => [field.name, field])).values()]
  const rows = fields.map(({ name, description }) => [
    `\`${name}\``,
    ...all.map((own) => {
      const field = own.find((candidate) => candidate.name === name)
      return field ? (field.required ? 'required' : 'x') : ''
    }),
    cell(description),
  ])
  return markdownTable(['Field', ...names, 'Description'], rows)
}

function examplesOf(category: Category, name: string): string[] {
  const example = genericApiExamples[name]
  const action = category.actions[name]
  if (!example || !action) throw new Error(`${name} has no example.`)
  const { task } = example
  return (['interactive', 'silent'] as const).map((mode) => {
    const subscription = {
      action: { category, name, action, summary: '' },
      task,
      suffix: 'triggered',
      mode,
      url,
    } as const
    const how = { interactive: `we send \`${task}.finished\``, silent: 'the response has the result' }[mode]
    return `\`${name}\`, **${mode}**: ${how}.\n\n\`\`\`yaml\n${webhookYaml(subscription, payloadOf(example))}\`\`\`\n`
  })
}

/** Results of an earlier task are in the event under the task's name. */
function payloadOf(example: GenericApiExample): string {
  const earlier = genericApiExamples[example.idFrom ?? '']
  return [
    context,
    ...(earlier ? [`input.id={{urlquery .data.${earlier.task}.id}}`] : []),
    ...inputFields(example).map(([name, value]) => `input.${name}=${encoded(value)}`),
  ].join('&')
}

function encoded(value: string): string {
  return /^[\w.,-]+$/.test(value) ? value : `{{urlquery \`${value}\`}}`
}

function connections(category: string, kind: TemplateKind): string {
  const example = {
    provider: 'http',
    baseUrl: 'https://tool.example.com/api',
    token: '<token>',
    ...genericApiConnections[kind],
  }
  return `## Connections

The secret \`cloud-automation-webhooks/connections/${category}/<name>\`; a call without a connection uses \`default\`. After
\`npm start\`, it leads to the [generic API](../../docs/http.md) of the sandbox.

\`\`\`json
${JSON.stringify(example, null, 2)}
\`\`\`
`
}
