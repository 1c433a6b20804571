import type { AlertRuleView, AlertsView } from '../alerts/alerts-view.ts'
import { Code } from './code.tsx'
import { plural } from './format.ts'
import { stack } from './stack.ts'

/** The declared rules, or how to add some. */
export function AlertRules({ view: { rules, example = '' } }: { view: AlertsView }) {
  if (rules.length === 0) return <NoRules example={example} />
  return (
    <section class="panel">
      <header class="wrap">
        <h2>{plural(rules.length, 'rule')}</h2>
        <span class="muted">Each makes a call for an alert that it matches, once</span>
      </header>
      <table class="cells alertrules">
        <thead>
          <tr>
            <th scope="col">Rule</th>
            <th scope="col">Source</th>
            <th scope="col">When</th>
            <th scope="col">Call</th>
          </tr>
        </thead>
        <tbody>
          {rules.map((rule) => (
            <Rule key={rule.name} rule={rule} />
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Rule({ rule }: { rule: AlertRuleView }) {
  const { name, source, on, each, call, connection, closes, limit } = rule
  return (
    <tr>
      <td>
        <b>{name}</b>
      </td>
      <td data-name="Source">{source}</td>
      <td data-name="When">
        <div>
          {on === undefined ? `The alert has ${closes === undefined ? 'started' : 'ended'}` : <code>{on}</code>}
          {each !== undefined && (
            <p class="muted">
              for each of <code>{each}</code>
            </p>
          )}
        </div>
      </td>
      <td data-name="Call">
        <div>
          {call} <span class="muted">with {connection}</span>
          {closes !== undefined && <p class="muted">Closes what {closes} has opened</p>}
          {limit !== '' && <p class="muted">{limit}</p>}
        </div>
      </td>
    </tr>
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
