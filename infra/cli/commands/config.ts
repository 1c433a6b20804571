import { Command, Option } from 'commander'
import { maxDeadlineOf } from '../../../shared/core/max-deadlines.ts'
import { parseQuery } from '../../../shared/core/webhook/call-options.ts'
import { unknownName } from '../../../shared/validate.ts'
import { checkName, findAction, listActions, type NamedAction } from '../../project/find-by-name.ts'
import { UsageError } from '../../project/usage-error.ts'
import { type BridgeField, bridgeFields, bridgeSecret, webhookYaml } from '../../sandbox/keptn/config/entry.ts'
import {
  approval,
  type IdSource,
  optionalParts,
  PLACEHOLDER_URL,
  type Subscription,
} from '../../sandbox/keptn/config/payload.ts'
import { verifyPayload } from '../../sandbox/keptn/config/verify-payload.ts'
import { describeWarning, losesWarning } from '../../sandbox/keptn/mode-warnings.ts'
import { isLoopback, receiverOf } from '../receiver/receiver.ts'
import { note, show } from '../terminal/output.ts'

interface Options {
  mode?: 'silent' | 'interactive'
  task: string
  suffix: Subscription['suffix']
  url?: string
  connection?: string
  deadline?: string
  when?: string
  from?: string
  fromMode?: 'silent' | 'interactive'
  last?: boolean
  only?: string
  yaml?: boolean
  json?: boolean
}

/** `webhooks config`: prints the Keptn subscription that calls an action. */
export function configCommand(): Command {
  return new Command('config')
    .argument('<category/action>', 'for example issue-ticketing/open-issue')
    .requiredOption('--task <name>', 'name of the task in the shipyard')
    .addOption(
      new Option(
        '--mode <mode>',
        'silent: respond with the result; interactive: send it later as an event (default: interactive if the action waits for a result that can be warning, else silent)',
      ).choices(['silent', 'interactive']),
    )
    .addOption(
      new Option(
        '--suffix <suffix>',
        'which event of the task to subscribe to; started and finished allow only silent calls',
      )
        .choices(['triggered', 'started', 'finished'])
        .default('triggered'),
    )
    .option('--url <url>', `URL of the deployed API (default: WEBHOOKS_URL, or ${PLACEHOLDER_URL})`)
    .option('--connection <name>', 'connection to use')
    .option('--deadline <duration>', 'maximum duration of an interactive call, such as PT2H')
    .option('--when <results>', 'run the action only if data.result has one of these values, such as fail,warning')
    .option('--from <task>', 'earlier task that created the item to update, close, stop or cancel')
    .addOption(
      new Option('--from-mode <mode>', 'mode of that task (default: interactive)').choices(['silent', 'interactive']),
    )
    .option('--last', 'stop the most recent run that the same sequence started')
    .option('--only <parts>', 'optional parts to send, such as title,data.problem, or none (default: all)')
    .option('--yaml', 'print only webhook.yaml')
    .option('--json', 'print the fields and the YAML as JSON')
    .addHelpText(
      'after',
      `
The payload is a URL-encoded form. It sends the properties of the task as the input of the action. Before printing it, the
command runs it through a simulated webhook-service with values that are hard to escape. In the shipyard, write a list as
comma-separated text, thresholds as a JSON string, and parameters and fields as a map of strings.

An action that updates, closes, stops or cancels something needs an id. --from sends the id that an earlier task returned. A
task that is still running has not returned an id yet: --last stops the most recent run that was started with the same
connection in the same sequence (the same Keptn context).

If a call fails, the Bridge shows only the beginning of Keptn's error message, which quotes the payload before the reason.
Use --only to shorten the payload: list the optional input fields and event parts (data.labels, data.problem, ..) to send.

Exit code: 0 printed, 2 invalid arguments, or Keptn would reject the configuration.

Examples:
  $ npx webhooks config issue-ticketing/open-issue --mode interactive --task openticket
  $ npx webhooks config feature-flags/set-flag --task toggle --connection unleash --yaml
  $ npx webhooks config notification/ask-approval --mode interactive --task approval --deadline P2D
  $ npx webhooks config notification/push-update --task deployment --suffix finished --json
  $ npx webhooks config issue-ticketing/open-issue --task openticket --only title,data.problem
  $ npx webhooks config issue-ticketing/close-issue --task closeticket --from openticket
  $ npx webhooks config optimization/stop-model --task stoptuning --from tuning --from-mode silent
  $ npx webhooks config chaos-testing/stop-test --task test --suffix finished --last`,
    )
    .action(run)
}

function run(target: string, options: Options): void {
  const subscription = read(target, options)
  for (const warning of verifyPayload(subscription)) note(describeWarning(warning))
  if (subscription.url === PLACEHOLDER_URL) note(`Replace ${PLACEHOLDER_URL} with the URL of your API, or pass --url.`)
  const yaml = webhookYaml(subscription)
  if (options.yaml && !options.json) return void process.stdout.write(yaml)
  const fields = bridgeFields(subscription)
  const text = [
    'In the Bridge, add this secret once at project > Settings > Secrets > Add secret:',
    columns(bridgeSecret),
    'Then add this subscription at project > Settings > Integrations > webhook-service > Add subscription:',
    columns(fields),
    ...remarks(subscription),
    'Or use webhook.yaml. If you already have one, add the entry to its webhooks:',
    yaml.trimEnd(),
  ].join('\n\n')
  show({ secret: bridgeSecret, subscription: fields, yaml }, text, options)
}

function read(target: string, { task, suffix, url, connection, ...options }: Options): Subscription {
  const action = findAction(target)
  const { mode = defaultMode(action, suffix), deadline, when, only } = options
  checkTaskName(task)
  const idFrom = idSourceOf(target, action, task, suffix, options)
  // Reports invalid values in the words of the receiver.
  parseQuery(
    { deadline: deadline === undefined ? [] : [deadline], when: when === undefined ? [] : [when] },
    maxDeadlineOf(action.category),
  )
  const interactive = mode === 'interactive'
  if (suffix !== 'triggered' && interactive)
    throw new UsageError(`A ${suffix} event cannot be answered. Remove --mode interactive or --suffix ${suffix}.`)
  if (action.action?.type === 'approval' && !interactive)
    throw new UsageError(`${target} waits for a person's decision. Pass --mode interactive.`)
  if (task === approval && suffix === 'triggered' && action.action?.type !== 'approval')
    throw new UsageError(
      `A finished event for ${approval}.triggered decides the approval. Use an action that requests an approval, or pass --suffix finished.`,
    )
  const subscription: Subscription = {
    action,
    task,
    suffix,
    mode,
    url: baseUrl(url ?? deployedUrl() ?? PLACEHOLDER_URL),
    connection: connection === undefined ? undefined : checkName(connection),
    deadline,
    when,
    idFrom,
  }
  return only === undefined ? subscription : { ...subscription, only: partsNamed(only, subscription) }
}

/** A `started` or `finished` event cannot be answered. */
function defaultMode({ category, name }: NamedAction, suffix: Subscription['suffix']): Subscription['mode'] {
  return suffix === 'triggered' && losesWarning(category, name) ? 'interactive' : 'silent'
}

/** @throws UsageError if the action takes no id, or the options cannot provide one */
function idSourceOf(
  target: string,
  { action, category }: NamedAction,
  own: string,
  suffix: Subscription['suffix'],
  { from, fromMode = 'interactive', last }: Pick<Options, 'from' | 'fromMode' | 'last'>,
): IdSource | undefined {
  if (from === undefined && !last) return undefined
  if (from !== undefined && last) throw new UsageError('Pass --from or --last, not both.')
  if (!action || !Object.hasOwn(action.input.shape, 'id')) {
    const others = listActions(category).filter(({ action }) => action && Object.hasOwn(action.input.shape, 'id'))
    const known = others.map(({ name }) => name).join(', ') || 'none in this category'
    throw new UsageError(`${target} does not take an id. Actions that do: ${known}.`)
  }
  if (from === undefined) {
    if (action.kind === 'job') return 'last'
    throw new UsageError(`${target} does not stop a run, so --last does not apply. Pass --from with the earlier task.`)
  }
  checkTaskName(from)
  if (from === own) throw new UsageError(`--from must name an earlier task, not ${own} itself.`)
  if (suffix !== 'triggered')
    throw new UsageError(`A ${suffix} event does not contain the results of other tasks. Remove --suffix ${suffix}.`)
  return { task: from, mode: fromMode }
}

/** @throws UsageError */
function checkTaskName(task: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9-]{0,127}$/.test(task))
    throw new UsageError(
      `Invalid task name "${task}". Use letters, digits and dashes, and start with a letter or digit.`,
    )
}

/** @throws UsageError if the payload does not have one of the parts */
function partsNamed(text: string, subscription: Subscription): string[] {
  const known = optionalParts(subscription)
  const only = text === 'none' ? [] : text.split(',').map((part) => part.trim())
  const unknown = only.find((part) => !known.includes(part))
  if (unknown !== undefined) throw new UsageError(`--only: ${unknownName('part', unknown, known)}`)
  return only
}

/** Returns WEBHOOKS_URL unless it leads to this machine, which Keptn cannot call. */
function deployedUrl(): string | undefined {
  const url = process.env['WEBHOOKS_URL']
  return url !== undefined && isLoopback(url) ? undefined : url
}

function baseUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol) || new URL(text).search !== '')
    throw new UsageError(`Invalid URL "${text}". Write it like ${PLACEHOLDER_URL}.`)
  return receiverOf({ url: text }).url
}

function remarks({ task, suffix, mode }: Subscription): string[] {
  if (task === approval && suffix === 'triggered')
    return [
      `${approval} is a built-in task of Keptn. Keptn's approval-service sends the started event and decides automatic approvals.\nThe receiver sends the finished event of the others. If your Keptn does not run approval-service, add &sendStarted=true to\nthe URL.`,
    ]
  if (suffix !== 'triggered') return [`The receiver gets each ${task}.${suffix} event and sends no event.`]
  return mode === 'interactive'
    ? [
        'The receiver sends the finished event. Do not set "Send finished event" to automatically: Keptn would finish the task with\npass as soon as the call is accepted.',
      ]
    : [
        'The task is finished when the call returns. Keptn adds the response to data.<task>.responses of the finished event.',
      ]
}

function columns(fields: readonly BridgeField[]): string {
  const width = Math.max(...fields.map(([name]) => name.length))
  return fields.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n')
}
