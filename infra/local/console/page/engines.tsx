import { clock } from './format.ts'
import { linkTo } from './route.ts'
import { engineRuns } from './sandbox-data.ts'
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
        <table class="cells">
          <thead>
            <tr>
              <th scope="col">Result</th>
              <th scope="col">Orchestrator</th>
              <th scope="col">Step</th>
              <th scope="col">Message</th>
              <th scope="col">Started</th>
              <th scope="col">Calls</th>
            </tr>
          </thead>
          <tbody>
            {runs.map(({ id, engine, step, startedAt, isGone, ending }) => (
              <tr key={id}>
                <td data-name="Result">
                  <Verdict of={ending?.verdict ?? (isGone ? 'refused' : 'running')} />
                </td>
                <td data-name="Orchestrator">{engine}</td>
                <td data-name="Step">{step.name}</td>
                <td data-name="Message">{ending?.message ?? (isGone ? 'The orchestrator no longer waits.' : '')}</td>
                <td data-name="Started" class="nowrap">
                  {clock(Date.parse(startedAt))}
                </td>
                <td data-name="Calls">
                  <a href={linkTo(['calls'], { category: step.category, action: step.action })}>{step.action}</a>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  )
}
