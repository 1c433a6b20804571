import { clock } from './format.ts'
import { linkTo } from './route.ts'
import { engineRuns } from './sandbox-data.ts'
import { Table } from './table.tsx'
import { Verdict } from './verdict.tsx'

/** The calls of the simulated orchestrators other than Keptn, and the one result that each run got. */
export function Engines() {
  const runs = engineRuns.value
  if (runs.length === 0) {
    return (
      <p class="note">
        No engine has called yet. Play a release with one:{' '}
        <code>npx webhooks sequence release --orchestrator argo-rollouts</code>.
      </p>
    )
  }
  return (
    <>
      <p class="muted">
        <a href="/sandbox/engines">Open the page of the orchestrators</a>, which shows their messages.
      </p>
      <section class="panel">
        <Table
          class="cells"
          rows={runs}
          keyOf={({ id }) => id}
          columns={[
            {
              name: 'Result',
              cell: ({ isGone, ending }) => <Verdict of={ending?.verdict ?? (isGone ? 'refused' : 'running')} />,
            },
            { name: 'Orchestrator', cell: ({ engine }) => engine },
            { name: 'Step', cell: ({ step }) => step.name },
            {
              name: 'Message',
              cell: ({ isGone, ending }) => ending?.message ?? (isGone ? 'The orchestrator no longer waits.' : ''),
            },
            { name: 'Started', nowrap: true, cell: ({ startedAt }) => clock(Date.parse(startedAt)) },
            {
              name: 'Calls',
              cell: ({ step: { category, action } }) => <a href={linkTo(['calls'], { category, action })}>{action}</a>,
            },
          ]}
        />
      </section>
    </>
  )
}
