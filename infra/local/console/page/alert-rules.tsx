import type { AlertRuleView, AlertsView } from '../alerts/alerts-view.ts'
import { Code } from './code.tsx'
import { plural } from './format.ts'
import { stack } from './stack.ts'
import { Table } from './table.tsx'

/** The declared rules, or how to add some. */
export function AlertRules({ view: { rules, example = '' } }: { view: AlertsView }) {
  if (rules.length === 0) return <NoRules example={example} />
  return (
    <section class="panel">
      <header class="wrap">
        <h2>{plural(rules.length, 'rule')}</h2>
        <span class="muted">Each makes a call for an alert that it matches, once</span>
      </header>
      <Table
        class="cells alertrules"
        rows={rules}
        keyOf={({ name }) => name}
        columns={[
          { name: 'Rule', isTitle: true, cell: ({ name }) => <b>{name}</b> },
          { name: 'Source', cell: ({ source }) => source },
          { name: 'When', cell: (rule) => <When rule={rule} /> },
          { name: 'Call', cell: (rule) => <Call rule={rule} /> },
        ]}
      />
    </section>
  )
}

function When({ rule: { on, each, closes } }: { rule: AlertRuleView }) {
  return (
    <div>
      {on === undefined ? `The alert has ${closes === undefined ? 'started' : 'ended'}` : <code>{on}</code>}
      {each !== undefined && (
        <p class="muted">
          for each of <code>{each}</code>
        </p>
      )}
    </div>
  )
}

function Call({ rule: { call, connection, closes, limit } }: { rule: AlertRuleView }) {
  return (
    <div>
      {call} <span class="muted">with {connection}</span>
      {closes !== undefined && <p class="muted">Closes what {closes} has opened</p>}
      {limit !== '' && <p class="muted">{limit}</p>}
    </div>
  )
}

function NoRules({ example }: { example: string }) {
  return (
    <section class="panel">
      <header>
        <h2>No rules yet</h2>
      </header>
      <div class="body">
        <p>
          A rule makes a call for an alert of a source: it opens a ticket when the alert starts, and closes it when the
          alert ends. {stack ? 'No file on this machine declares rules.' : 'This runtime has none.'}
        </p>
        <ol class="todo">
          <li>
            Write <code>events.yaml</code>, for example:
            <Code label="Example of events.yaml">{example}</Code>
          </li>
          <li>
            Try it with <code>npx webhooks events test body.json --events events.yaml</code>
            {stack ? '' : ', or below'}.
          </li>
          <li>
            {stack ? (
              <>
                Name it in the setting <code>events</code> of <code>cdk.json</code>, and deploy.
              </>
            ) : (
              <>
                Create the secret of the source with{' '}
                <code>npx webhooks source add alertmanager --name alerts --local</code>, and start the runtime with the
                file: <code>WEBHOOKS_EVENTS=events.yaml npm start</code>
              </>
            )}
          </li>
        </ol>
      </div>
    </section>
  )
}
