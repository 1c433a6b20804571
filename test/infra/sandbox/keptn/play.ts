import { keptnEventLog } from '../../../../infra/sandbox/keptn/event-log.ts'
import { type PlayOptions, playSequence } from '../../../../infra/sandbox/keptn/player.ts'
import type { SequenceFiles } from '../../../../infra/sandbox/keptn/sequence-files.ts'
import { parseShipyard } from '../../../../infra/sandbox/keptn/shipyard.ts'
import { parseWebhookConfig } from '../../../../infra/sandbox/keptn/webhook-config.ts'
import { apiToken, type FakeReceiver } from './fake-receiver.ts'

export interface Subscription {
  on: string
  sendStarted?: boolean
  sendFinished?: boolean
  path?: string
  requests?: number
  title?: string
  secret?: string
}

const base = ['id={{urlquery .id}}', 'type={{urlquery .type}}', 'shkeptncontext={{urlquery .shkeptncontext}}'].join('&')

function webhookOf(
  { on, sendStarted, sendFinished, path, requests = 1, title, secret }: Subscription,
  at: number,
): object {
  const request = {
    url: `https://webhooks.example.com/v1/${path ?? 'issue-ticketing/open-issue?mode=interactive'}`,
    method: 'POST',
    headers: [{ key: 'Authorization', value: 'Bearer {{.env.secret_webhooks_token}}' }],
    payload: title === undefined ? base : `${base}&input.title=${title}`,
  }
  return {
    type: `sh.keptn.event.${on}`,
    subscriptionID: `subscription-${at}`,
    sendStarted,
    sendFinished,
    envFrom: [{ name: secret ?? 'secret_webhooks_token', secretRef: { name: 'webhooks', key: 'token' } }],
    requests: Array(requests).fill(request),
  }
}

/** Returns the files of a sequence dev.deliver with the given tasks and subscriptions. */
export function filesOf(
  tasks: (string | object)[],
  subscriptions: Subscription[],
  laterStages: object[] = [],
): SequenceFiles {
  const named = tasks.map((task) => (typeof task === 'string' ? { name: task } : task))
  const stage = { name: 'dev', sequences: [{ name: 'deliver', tasks: named }] }
  const shipyard = { apiVersion: 'spec.keptn.sh/0.2.3', kind: 'Shipyard', spec: { stages: [stage, ...laterStages] } }
  const webhooks = {
    apiVersion: 'webhookconfig.keptn.sh/v1beta1',
    kind: 'WebhookConfig',
    spec: { webhooks: subscriptions.map(webhookOf) },
  }
  return {
    name: 'test',
    sequences: parseShipyard(JSON.stringify(shipyard)),
    webhooks: parseWebhookConfig(JSON.stringify(webhooks)),
    event: {
      type: 'sh.keptn.event.dev.deliver.triggered',
      data: { project: 'demo', stage: 'dev', service: 'shop', labels: { team: 'blue' }, incident: { title: 'a|b' } },
    },
  }
}

/** Returns the files of a sequence of one task, openticket. */
export const openTicket = (more: Partial<Subscription> = {}, ...others: Subscription[]): SequenceFiles =>
  filesOf(['openticket'], [{ on: 'openticket.triggered', ...more }, ...others])

export const callerToken = 'test-caller-token'

/** Runs a sequence against a fake receiver with short intervals. */
export async function play(receiver: FakeReceiver, files: SequenceFiles, options: Partial<PlayOptions> = {}) {
  const lines: string[] = []
  const played = await playSequence({
    files,
    url: receiver.url,
    token: callerToken,
    log: keptnEventLog(`${receiver.url}/keptn`, apiToken),
    print: (line) => lines.push(line),
    pollMs: 10,
    statusPollMs: 10,
    startTimeoutMs: 5_000,
    ...options,
  })
  return { ...played, lines, text: lines.join('\n') }
}
