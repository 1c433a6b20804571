import { Command, Option } from 'commander'
import { maxDeadlineOf } from '../../../shared/core/deadlines.ts'
import { parseQuery } from '../../../shared/core/http/options.ts'
import { unknownName } from '../../../shared/validate.ts'
import { describeWarning } from '../../keptn/mode-warnings.ts'
import { type BridgeField, bridgeFields, bridgeSecret, webhookYaml } from '../config/entry.ts'
import { approval, type IdSource, optionalParts, type Subscription } from '../config/payload.ts'
import { prove } from '../config/proof.ts'
import { actionNamed, actionsOf, type NamedAction, nameOf } from '../names.ts'
import { note, show } from '../output.ts'
import { isLoopback, receiverOf, UsageError } from '../receiver.ts'

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

/** Shown where no URL is given; RFC 2606 keeps it free for that. */
const placeholder = 'https://webhooks.example.com'

/** `webhooks config`: the subscription that calls an action, for the Bridge and as webhook.yaml. */
export function configCommand(): Command {
  return new Command('config')
    .description("print the webhook that calls an action: the Bridge's fields, and webhook.yaml, ready to paste")
    .argument('<category/action>', 'such as issue-ticketing/open-issue')
    .requiredOption('--task <name>', 'the task in the shipyard')
    .addOption(
      new Option('--mode <mode>', 'interactive: accepted, and answered by an event (default: silent)').choices([
        'silent',
        'interactive',
      ]),
    )
    .addOption(
      new Option('--suffix <suffix>', 'which event of the task; started and finished are told silently')
        .choices(['triggered', 'started', 'finished'])
        .default('triggered'),
    )
    .option('--url <url>', `the deployed API (WEBHOOKS_URL; else ${placeholder})`)
    .option('--connection <name>', 'which instance of the platform')
    .option('--deadline <duration>', 'when an interactive call gives up, such as PT2H')
    .option('--when <results>', 'act only if data.result is one of these, such as fail,warning')
    .option('--from <task>', 'send the id of what this earlier task created, to update, close, stop or cancel it')
    .addOption(
      new Option('--from-mode <mode>', 'how that task was called (default: interactive)').choices([
        'silent',
        'interactive',
      ]),
    )
    .option('--last', 'stop the newest run that was started in the same sequence and may still be running')
    .option('--only <parts>', 'send only these optional parts, such as title,data.problem; none: send none of them')
    .option('--yaml', 'print webhook.yaml alone')
    .option('--json', 'print the fields and the YAML as JSON')
    .addHelpText(
      'after',
      `
The payload is a form whose every value goes through urlquery; the properties of the task are the input. Before it is
printed it is played as webhook-service would, with values that break other payloads. In the shipyard, lists are text with
commas, thresholds are JSON as text, and parameters and fields are names with plain values.

An action that updates, closes, stops or cancels something needs its id. --from sends the id that an earlier task answered. A
task that still runs has not answered yet: --last stops the newest run that was started with the same connection in the
same sequence (the same Keptn context).

If a call fails, Keptn's message quotes the payload before the reason, and the Bridge shows its beginning. --only makes the
payload shorter: it names the optional input fields, and the parts of the event (data.labels, data.problem, ..), to send.

Exit code: 0 printed, 2 arguments, or Keptn would refuse it.

Examples:
  $ npm run webhooks -- config issue-ticketing/open-issue --mode interactive --task openticket
  $ npm run webhooks -- config feature-flags/set-flag --task toggle --connection unleash --yaml
  $ npm run webhooks -- config notification/ask-approval --mode interactive --task approval --deadline P2D
  $ npm run webhooks -- config notification/push-update --task deployment --suffix finished --json
  $ npm run webhooks -- config issue-ticketing/open-issue --task openticket --only title,data.problem
  $ npm run webhooks -- config issue-ticketing/close-issue --task closeticket --from openticket
  $ npm run webhooks -- config optimization/stop-model --task stoptuning --from tuning --from-mode silent
  $ npm run webhooks -- config chaos-testing/stop-test --task test --suffix finished --last`,
    )
    .action(run)
}

function run(target: string, options: Options): void {
  const subscription = read(target, options)
  for (const warning of prove(subscription)) note(describeWarning(warning))
  if (subscription.url === placeholder) note(`Put the URL of your API in place of ${placeholder}, or give --url.`)
  const yaml = webhookYaml(subscription)
  if (options.yaml && !options.json) return void process.stdout.write(yaml)
  const fields = bridgeFields(subscription)
  const text = [
    'Once, in the Bridge at project > Settings > Secrets > Add secret:',
    columns(bridgeSecret),
    'Then at project > Settings > Integrations > webhook-service > Add subscription:',
    columns(fields),
    ...remarks(subscription),
    'Or as webhook.yaml; in a file that has others, add the entry below webhooks:',
    yaml.trimEnd(),
  ].join('\n\n')
  show({ secret: bridgeSecret, subscription: fields, yaml }, text, options)
}

function read(target: string, { task, suffix, url, connection, ...options }: Options): Subscription {
  const action = actionNamed(target)
  const { mode = 'silent', deadline, when, only } = options
  checkTaskName(task)
  const idFrom = idSourceOf(target, action, task, suffix, options)
  // The receiver's own words for what it would refuse.
  parseQuery(
    { deadline: deadline === undefined ? [] : [deadline], when: when === undefined ? [] : [when] },
    maxDeadlineOf(action.category),
  )
  const interactive = mode === 'interactive'
  if (suffix !== 'triggered' && interactive)
    throw new UsageError(`A ${suffix} event is never answered: leave out --mode interactive, or --suffix.`)
  if (action.action?.type === 'approval' && !interactive)
    throw new UsageError(`${target} waits for people: give --mode interactive.`)
  if (task === approval && suffix === 'triggered' && action.action?.type !== 'approval')
    throw new UsageError(
      `What answers ${approval}.triggered decides the approval: use an action that asks people, or --suffix finished.`,
    )
  const subscription: Subscription = {
    action,
    task,
    suffix,
    mode,
    url: baseUrl(url ?? deployedUrl() ?? placeholder),
    connection: connection === undefined ? undefined : nameOf(connection),
    deadline,
    when,
    idFrom,
  }
  return only === undefined ? subscription : { ...subscription, only: partsNamed(only, subscription) }
}

/** @throws UsageError if the action takes no id, or this one cannot be had */
function idSourceOf(
  target: string,
  { action, category }: NamedAction,
  own: string,
  suffix: Subscription['suffix'],
  { from, fromMode = 'interactive', last }: Pick<Options, 'from' | 'fromMode' | 'last'>,
): IdSource | undefined {
  if (from === undefined && !last) return undefined
  if (from !== undefined && last) throw new UsageError('Give either --from or --last.')
  if (!action || !Object.hasOwn(action.input.shape, 'id')) {
    const others = actionsOf(category).filter((one) => one.action && Object.hasOwn(one.action.input.shape, 'id'))
    const known = others.map(({ name }) => name).join(', ') || 'none of this category'
    throw new UsageError(`${target} takes no id. Actions that do: ${known}.`)
  }
  if (from === undefined) {
    if (action.kind === 'job') return 'last'
    throw new UsageError(`--last names a run, and ${target} stops none: give --from with the task that created it.`)
  }
  checkTaskName(from)
  if (from === own) throw new UsageError(`--from must name the earlier task that created it, not ${own} itself.`)
  if (suffix !== 'triggered')
    throw new UsageError(`A ${suffix} event does not carry the answers of other tasks: leave out --suffix.`)
  return { task: from, mode: fromMode }
}

/** @throws UsageError */
function checkTaskName(task: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9-]{0,127}$/.test(task))
    throw new UsageError(`"${task}" is no name of a task: write letters, digits and dashes, a letter or digit first.`)
}

/** @throws UsageError for a part that the payload does not have */
function partsNamed(text: string, subscription: Subscription): string[] {
  const known = optionalParts(subscription)
  const only = text === 'none' ? [] : text.split(',').map((part) => part.trim())
  const unknown = only.find((part) => !known.includes(part))
  if (unknown !== undefined) throw new UsageError(`--only: ${unknownName('part', unknown, known)}`)
  return only
}

/** WEBHOOKS_URL; but Keptn calls nothing on this machine. */
function deployedUrl(): string | undefined {
  const url = process.env['WEBHOOKS_URL']
  return url !== undefined && isLoopback(url) ? undefined : url
}

function baseUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol) || new URL(text).search !== '')
    throw new UsageError(`"${text}" is no URL of an API: write it like ${placeholder}.`)
  return receiverOf({ url: text }).url
}

function remarks({ task, suffix, mode }: Subscription): string[] {
  if (task === approval && suffix === 'triggered')
    return [
      `${approval} is Keptn's own task: its approval-service sends the started event and decides automatic approvals, and the\nreceiver finishes the others. So neither event is sent automatically. If no approval-service runs in your Keptn, nobody\nsends the started event: add &sendStarted=true to the URL.`,
    ]
  if (suffix !== 'triggered') return [`It is told of ${task}.${suffix}, and no event follows.`]
  return mode === 'interactive'
    ? [
        'The receiver sends the finished event. Leave "Send finished event" by webhook receiver: sent automatically, it would finish\nthe task with pass as soon as the call is accepted.',
      ]
    : ['It is done when it is answered: Keptn puts the answer into data.<task>.responses of the finished event.']
}

function columns(fields: readonly BridgeField[]): string {
  const width = Math.max(...fields.map(([name]) => name.length))
  return fields.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n')
}
