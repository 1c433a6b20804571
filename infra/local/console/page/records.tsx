import type { ComponentChildren } from 'preact'
import type { CallVerdict } from '../call-summary.ts'
import { Code } from './code.tsx'
import { time } from './format.ts'
import { list, type SandboxRecord, targetTitle } from './sandbox-data.ts'
import { Table } from './table.tsx'
import { Status, Verdict, verdictWords } from './verdict.tsx'

interface RecordList {
  title: string
  /** Who has these records. */
  platform: string
  /** The fields to show. Defaults to the first ones. */
  columns?: string[]
  /** A page of the platform. */
  page?: string
}

/** The lists of the sandbox with their columns. */
export const records: Record<string, RecordList> = {
  issues: {
    title: 'Issues',
    platform: 'GitHub',
    columns: ['number', 'title', 'state', 'labels', 'comments', 'updated_at'],
  },
  incidents: {
    title: 'Incidents',
    platform: 'ServiceNow',
    columns: ['number', 'short_description', 'state', 'urgency', 'priority', 'sys_updated_on'],
  },
  tickets: {
    title: 'Tickets',
    platform: 'generic API',
    columns: ['number', 'title', 'status', 'queue', 'notes'],
    page: '/sandbox/tool',
  },
  flags: { title: 'Flags', platform: 'Unleash', columns: ['name', 'description', 'environments', 'changeRequests'] },
  runs: {
    title: 'Runs',
    platform: 'GitHub Actions, Databricks, Rundeck and generic API',
    columns: ['platform', 'id', 'job', 'status', 'conclusion', 'inputs', 'started_at', 'completed_at'],
  },
  toxics: {
    title: 'Toxics',
    platform: 'Toxiproxy',
    columns: ['proxy', 'name', 'type', 'attributes', 'stream', 'toxicity'],
  },
  slos: { title: 'SLOs', platform: 'Dynatrace', page: '/sandbox/dynatrace' },
  reports: { title: 'Reports', platform: 'Dynatrace', columns: ['at', 'eventType', 'title', 'entities', 'properties'] },
  events: { title: 'Events', platform: 'Keptn', columns: ['at', 'via', 'type', 'source', 'result', 'message'] },
  requests: {
    title: 'Requests',
    platform: 'all platforms',
    columns: ['at', 'target', 'method', 'path', 'status', 'fault'],
  },
}

const MAX_ROWS = 200
const MAX_SHORT = 12
const links = ['html_url', 'url']

/** One list of the sandbox as a table, newest first. */
export function Records({ name }: { name: string }) {
  const { platform, columns, page } = records[name] ?? { platform: '' }
  const read = list.value?.name === name ? list.value.rows : undefined
  const rows = withoutRepeatedReads((read ?? []).map(flatten)).toReversed()
  return (
    <>
      <p class="muted">
        Simulated platform: {platform}. {page && <a href={page}>Open its page</a>}
      </p>
      {read?.length === 0 && <p class="note">Nothing yet.</p>}
      {rows.length > 0 && <RecordTable rows={rows.slice(0, MAX_ROWS)} columns={columns ?? columnsOf(rows)} />}
      {rows.length > MAX_ROWS && <p class="muted">The latest {MAX_ROWS}.</p>}
    </>
  )
}

/** Merges repeated reads with the same result, which are polls, into one row. */
function withoutRepeatedReads(rows: SandboxRecord[]): SandboxRecord[] {
  const merged: SandboxRecord[] = []
  for (const row of rows) {
    const last = merged.findLast((shown) => shown['target'] === row['target'])
    const isPoll =
      row['method'] === 'GET' &&
      last !== undefined &&
      ['method', 'path', 'status', 'fault'].every((key) => last[key] === row[key])
    if (!isPoll) merged.push(row)
    else Object.assign(last, { at: row['at'], times: Number(last['times'] ?? 1) + 1 })
  }
  return merged
}

/** Moves the fields of an event to the top level, and renames the workflow of a GitHub run to `job`. */
function flatten(row: SandboxRecord): SandboxRecord {
  const { event, workflow, job = workflow } = row
  if (event !== null && typeof event === 'object') {
    const { type, source, data } = event as { type: string; source: string; data?: Record<string, unknown> }
    return {
      at: row['at'],
      via: row['via'],
      type,
      source,
      result: data?.['result'],
      message: data?.['message'],
      json: event,
    }
  }
  return { ...row, job, json: row }
}

function columnsOf(rows: readonly SandboxRecord[]): string[] {
  const names = new Set(rows.flatMap((row) => Object.keys(row)))
  return [...names].filter((name) => name !== 'json' && !links.includes(name)).slice(0, 8)
}

function RecordTable({ rows, columns }: { rows: SandboxRecord[]; columns: string[] }) {
  const used = columns.filter((column) => rows.some((row) => !isEmpty(row[column])))
  return (
    <section class="panel">
      <Table
        class="cells"
        rows={rows}
        columns={[
          ...used.map((column, index) => ({
            name: labelOf(column),
            nowrap: (row: SandboxRecord) => isShort(row[column]),
            cell: (row: SandboxRecord) => (
              <>
                {index === 0 || column === 'id' ? (
                  linked(row, <Cell column={column} value={row[column]} />)
                ) : (
                  <Cell column={column} value={row[column]} />
                )}
                {column === 'path' && row['times'] !== undefined && <span class="muted"> ×{String(row['times'])}</span>}
              </>
            ),
          })),
          {
            name: 'JSON',
            nowrap: true,
            cell: (row) => (
              <details>
                <summary>Show</summary>
                <Code label="JSON">{row['json']}</Code>
              </details>
            ),
          },
        ]}
      />
    </section>
  )
}

function linked(row: SandboxRecord, children: ComponentChildren): ComponentChildren {
  const url = links.map((name) => row[name]).find((value) => typeof value === 'string')
  if (typeof url !== 'string' || !/^https?:/.test(url)) return children
  return (
    <a href={url} target="_blank" rel="noreferrer">
      {children}
    </a>
  )
}

function labelOf(column: string): string {
  return column
    .replace(/^sys_/, '')
    .replaceAll('_', ' ')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
}

/** A number or a state is one word, which must not break. */
function isShort(value: unknown): boolean {
  return typeof value !== 'object' && String(value).length <= MAX_SHORT
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}

function Cell({ column, value }: { column: string; value: unknown }) {
  if (isEmpty(value)) return <>–</>
  if (column === 'environments' && Array.isArray(value)) return <Environments all={value} />
  if ((column === 'target' || column === 'platform') && typeof value === 'string') return <>{targetTitle(value)}</>
  if (column === 'status' && typeof value === 'number') return <Status of={value} />
  if (column === 'result' && typeof value === 'string' && Object.hasOwn(verdictWords, value))
    return <Verdict of={value as CallVerdict} />
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) return <>{time(Date.parse(value))}</>
  return <>{textOf(value)}</>
}

function Environments({ all }: { all: { name: string; enabled: boolean; rollout: number }[] }) {
  return (
    <span class="row">
      {all.map(({ name, enabled, rollout }) => (
        <span key={name} class={`v ${enabled ? 'pass' : 'pending'}`}>
          {name} {enabled ? `on, ${rollout} %` : 'off'}
        </span>
      ))}
    </span>
  )
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) {
    const texts = value.map((item) =>
      typeof item === 'string' ? item : (item?.text ?? item?.body ?? item?.name ?? JSON.stringify(item)),
    )
    return texts.length === 0 ? '–' : texts.join(', ')
  }
  if (value !== null && typeof value === 'object') {
    const fields = Object.entries(value).map(
      ([key, field]) => `${key} ${typeof field === 'object' ? JSON.stringify(field) : field}`,
    )
    return fields.join(', ') || '–'
  }
  return String(value)
}
