import { Command } from 'commander'
import * as z from 'zod/mini'
import { unwrap } from '../../../shared/fields.ts'
import { singleLine } from '../../../shared/text/single-line.ts'
import { categories } from '../../project/categories.ts'
import { findAction, listActions, type NamedAction } from '../../project/find-by-name.ts'
import { choicesOf, describe, target } from '../../project/schema-fields.ts'
import { UsageError } from '../../project/usage-error.ts'
import { isMap } from '../../sandbox/keptn/config/payload.ts'
import { parseShipyard } from '../../sandbox/keptn/shipyard.ts'
import { show } from '../terminal/output.ts'

interface Task {
  name: string
  action: NamedAction
}

/** `webhooks shipyard`: prints a shipyard whose tasks call actions. */
export function shipyardCommand(): Command {
  return new Command('shipyard')
    .argument(
      '[task=category/action...]',
      'tasks in order; the name of a task defaults to the name of its action (default: all actions)',
    )
    .option('--stage <name>', 'name of the stage', 'production')
    .option('--sequence <name>', 'name of the sequence', 'remediate')
    .option('--json', 'print the tasks and the YAML as JSON')
    .addHelpText(
      'after',
      `
Required input is printed as properties, and optional input as comments with a description. webhooks config prints the webhook
of each task.

Exit code: 0 printed, 2 invalid arguments.

Examples:
  $ npx webhooks shipyard openticket=issue-ticketing/open-issue toggle=feature-flags/set-flag
  $ npx webhooks shipyard ci-cd/trigger-deployment load-testing/start-test --stage staging --sequence release
  $ npx webhooks shipyard --json`,
    )
    .action(run)
}

function run(targets: string[], { stage, sequence, json }: { stage: string; sequence: string; json?: boolean }): void {
  const tasks =
    targets.length > 0 ? targets.map(read) : categories.flatMap((category) => listActions(category).map(named))
  const yaml = shipyardOf(stage, sequence, tasks)
  try {
    parseShipyard(yaml)
  } catch (error) {
    throw new UsageError(`Keptn would reject the shipyard: ${error instanceof Error ? error.message : error}.`, {
      cause: error,
    })
  }
  const list = tasks.map(({ name, action }) => ({ task: name, action: `${action.category.name}/${action.name}` }))
  show({ tasks: list, yaml }, yaml.trimEnd(), { json })
}

function read(text: string): Task {
  const [first = '', second] = text.split('=')
  return second === undefined ? named(findAction(first)) : { name: first, action: findAction(second) }
}

function named(action: NamedAction): Task {
  return { name: action.name, action }
}

function shipyardOf(stage: string, sequence: string, tasks: readonly Task[]): string {
  return `apiVersion: spec.keptn.sh/0.2.3
kind: Shipyard
metadata:
  name: shipyard
spec:
  stages:
    - name: ${stage}
      sequences:
        - name: ${sequence}
          tasks:
${tasks.map(taskOf).join('\n')}
`
}

const margin = ' '.repeat(16)

function taskOf({ name, action: { action, category, name: called, summary } }: Task): string {
  const fields = Object.entries(action?.input.shape ?? {})
  const must = fields.filter(([, type]) => !z.safeParse(type, undefined).success)
  const may = fields.filter((field) => !must.includes(field))
  return [
    `            # ${category.name}/${called}: ${singleLine(summary)}`,
    `            - name: ${name}`,
    `              ${must.length > 0 ? '' : '# '}properties:`,
    ...must.flatMap(([field, type]) => [
      `${margin}# ${singleLine(describe(type))}`,
      `${margin}${example(field, type)}`,
    ]),
    ...may.map(([field, type]) => `${margin}# ${example(field, type)}   ${singleLine(describe(type))}`),
  ]
    .filter((line) => fields.length > 0 || !line.endsWith('properties:'))
    .join('\n')
}

/** Returns a sample property. All values are quoted, because Keptn changes a bare `off`, `0` or list. */
function example(field: string, type: z.core.$ZodType): string {
  if (isMap(type)) return `${field}: { name: "value" }`
  const [word] = choicesOf(type) ?? []
  if (word !== undefined) return `${field}: "${word}"`
  const bare = target(unwrap(type))
  if (bare instanceof z.ZodMiniNumber) return `${field}: "${Math.max(1, Number(bare._zod.bag.minimum ?? 1))}"`
  if (bare instanceof z.ZodMiniArray) return `${field}: ${listOf(bare)}`
  return `${field}: "..."`
}

function listOf({ def: { element } }: z.ZodMiniArray): string {
  const names = element instanceof z.ZodMiniObject ? Object.keys(element.shape) : []
  if (names.includes('metric')) return `'[{"metric":"p95","op":"<","value":500}]'`
  return '"one,two"'
}
