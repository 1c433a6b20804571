import { expect } from '@jest/globals'
import type { Target } from '../../../../infra/sandbox/platforms/sandbox/http.ts'
import { finished, type Started } from './start.ts'

/** A run waits for half a second, in which a busy machine may not have read it. */
const waiting = expect.stringMatching(/^(queued|in_progress|PENDING|RUNNING)$/)

type Answered = Awaited<ReturnType<Started['call']>>

/** A kind of record of the sandbox. */
export interface RecordKind {
  target: Target
  /** Writes the first record, which contains a text of a user. */
  write(started: Started, text: string): Promise<Answered>
  /** The list of the admin API that shows the record. */
  list: string
  /** Returns what the list shows. */
  shows(text: string, root: string): Record<string, unknown>
  /** The description that an observer gets. */
  note: string
  /** The path of a page that shows the record. Defaults to the URL in the list. */
  page?: string
}

const CONTEXT = '08735340-6f9e-4b32-97ff-3b6c292bc509'
const RESTART = '3b6c19f6-41ee-475f-8fd0-8f1a26f27a9a'

const metadata = { event_type: 'own', event_payload: { key: 'abc' } }
const approve = { type: 'button', action_id: 'approve', text: { type: 'plain_text', text: 'Approve' }, value: 'x' }
const blocksWith = (text: string) => [
  { type: 'header', text: { type: 'plain_text', text } },
  { type: 'actions', elements: [approve] },
]

/** Every kind of record of the sandbox. */
export const recordKinds: Record<string, RecordKind> = {
  'GitHub issue': {
    target: 'github',
    write: ({ github }, title) => github('POST', '/repos/acme/shop/issues', { title, body: title, labels: ['bug'] }),
    list: 'issues',
    shows: (title, root) => ({
      repository: 'acme/shop',
      number: 1,
      title,
      labels: ['bug'],
      comments: [],
      html_url: `${root}/github/acme/shop/issues/1`,
    }),
    note: 'opened acme/shop#1',
  },
  'GitHub Actions run': {
    target: 'github',
    write: ({ github }, image) =>
      github('POST', '/repos/acme/shop/actions/workflows/deploy.yml/dispatches', { ref: 'main', inputs: { image } }),
    list: 'runs',
    shows: (image, root) => ({
      platform: 'github',
      id: 1,
      repository: 'acme/shop',
      workflow: 'deploy.yml',
      inputs: { image },
      status: waiting,
      html_url: `${root}/github/acme/shop/actions/runs/1`,
    }),
    note: 'started run 1 of deploy.yml in acme/shop',
  },
  'ServiceNow incident': {
    target: 'servicenow',
    write: ({ serviceNow }, text) =>
      serviceNow('POST', '/api/now/table/incident', {
        short_description: text,
        description: text,
        impact: '1',
        urgency: '2',
        work_notes: text,
        comments: text,
      }),
    list: 'incidents',
    shows: (text) => ({
      number: 'INC0010001',
      short_description: text,
      state: 'New',
      priority: '2 - High',
      work_notes: [{ value: text }],
      comments: [{ value: text }],
    }),
    note: 'opened INC0010001',
  },
  'Unleash flag': {
    target: 'unleash',
    write: ({ unleash }) =>
      unleash('POST', '/api/admin/projects/default/features/checkout-v2/environments/production/on'),
    list: 'flags',
    shows: (_, root) => ({
      name: 'checkout-v2',
      project: 'default',
      changeRequests: [],
      url: `${root}/unleash/projects/default/features/checkout-v2`,
      environments: [
        { name: 'development', enabled: true, rollout: '100' },
        { name: 'production', enabled: true, rollout: '25' },
        { name: 'production-guarded', enabled: false },
      ],
    }),
    note: 'checkout-v2 is on in production',
  },
  'Unleash change request': {
    target: 'unleash',
    write: ({ unleash }, note) =>
      unleash('POST', '/api/admin/projects/default/environments/production-guarded/change-requests', {
        feature: 'checkout-v2',
        action: 'updateEnabled',
        payload: { enabled: true, note },
      }),
    list: 'flags',
    shows: () => ({ changeRequests: [{ id: 1, state: 'Draft', environment: 'production-guarded' }] }),
    note: 'change request 1 in production-guarded',
    page: '/unleash/projects/default/change-requests/1',
  },
  'Toxiproxy toxic': {
    target: 'toxiproxy',
    write: ({ toxiproxy }, name) =>
      toxiproxy('POST', '/proxies/shop-db/toxics', { name, type: 'latency', attributes: { latency: 5 } }),
    list: 'toxics',
    shows: (name) => ({
      proxy: 'shop-db',
      name,
      type: 'latency',
      stream: 'downstream',
      toxicity: 1,
      attributes: { latency: 5, jitter: 0 },
    }),
    note: 'latency downstream, latency 5, jitter 0 on shop-db',
    page: '/toxiproxy',
  },
  'Databricks run': {
    target: 'databricks',
    write: ({ databricks }, service) =>
      databricks('POST', '/api/2.2/jobs/run-now', { job_id: 101, job_parameters: { service } }),
    list: 'runs',
    shows: (service, root) => ({
      platform: 'databricks',
      id: 700000002,
      job: 'tune-recommender',
      status: waiting,
      inputs: { service, trials: '20', seconds: '10', outcome: 'success' },
      html_url: `${root}/databricks/jobs/101/runs/700000002`,
    }),
    note: 'run 700000002 of tune-recommender',
  },
  'Rundeck execution': {
    target: 'rundeck',
    write: ({ rundeck }, service) => rundeck('POST', `/api/44/job/${RESTART}/run`, { options: { service } }),
    list: 'runs',
    shows: (service, root) => ({
      platform: 'rundeck',
      id: 1,
      job: 'restart-checkout',
      inputs: { service },
      status: 'running',
      html_url: `${root}/rundeck/project/shop/execution/show/1`,
    }),
    note: 'execution 1 of restart-checkout',
  },
  'run of the generic API': {
    target: 'tool',
    write: ({ tool }, service) => tool('POST', '/jobs/report/runs', { arguments: { service } }),
    list: 'runs',
    shows: (service) => ({ platform: 'tool', job: 'report', inputs: { service } }),
    note: 'run 1 of report',
    page: '/tool/',
  },
  'ticket of the generic API': {
    target: 'tool',
    write: ({ tool }, title) => tool('POST', '/tickets', { title }),
    list: 'tickets',
    shows: (title) => ({ number: 'T-1', title }),
    note: 'opens T-1',
    page: '/tool/',
  },
  'Slack message': {
    target: 'slack',
    write: ({ slack }, text) =>
      slack('POST', 'chat.postMessage', { channel: 'releases', text, blocks: blocksWith(text), metadata }),
    list: 'messages',
    shows: (text) => ({
      channel: 'releases',
      text,
      blocks: [text, '[Approve]'],
      metadata,
      ephemeral: null,
      edited: false,
      buttons: [{ action: 'approve', text: 'Approve' }],
    }),
    note: 'posted in #releases',
  },
  'Dynatrace event': {
    target: 'dynatrace',
    write: ({ dynatrace }, title) =>
      dynatrace('POST', '/api/v2/events/ingest', {
        eventType: 'CUSTOM_INFO',
        title,
        entitySelector: 'type(SERVICE),entityName("shop")',
      }),
    list: 'reports',
    shows: (title) => ({ eventType: 'CUSTOM_INFO', title, entity: 'shop', properties: {} }),
    note: 'One',
    page: '/dynatrace',
  },
  'Keptn event': {
    target: 'keptn',
    write({ keptn }, message) {
      const event = finished(CONTEXT)
      return keptn('POST', '/api/v1/event', { ...event, data: { ...event.data, message } })
    },
    list: 'events',
    shows: (message) => ({ via: 'api', event: { shkeptncontext: CONTEXT, data: { message } } }),
    note: 'sh.keptn.event.openticket.finished',
    page: `/keptn/bridge/project/acme/sequence/${CONTEXT}`,
  },
}
